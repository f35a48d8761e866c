# SPDX-License-Identifier: Apache-2.0
"""The single steps of `plain`, each a pure function on a scene: for `plain` itself and for whoever proposes them."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from bonefide.data.preparation._placing import place_bodies
from bonefide.data.raw._recording import RawBody, RawRecording
from bonefide.layouts import SkeletonLayout
from bonefide.layouts.conversion import JointConversion
from bonefide.types import Array, SkeletonSequence

__all__ = [
    "Scene",
    "UpAxis",
    "centered",
    "converted",
    "gaps_filled",
    "mirrored",
    "persons_kept",
    "recording_of",
    "reflected",
    "resampled",
    "scaled",
    "scene_of",
    "turned_up",
    "with_confidence",
]

UpAxis = Literal["y", "-y", "z", "-z", "x", "-x"]

# Rows are the new x, y, z. The raw z axis goes on pointing away from the camera; where it is the vertical, y does.
_TURNS: dict[UpAxis, tuple[tuple[int, int, int], ...]] = {
    "y": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "-y": ((-1, 0, 0), (0, -1, 0), (0, 0, 1)),
    "z": ((-1, 0, 0), (0, 0, 1), (0, 1, 0)),
    "-z": ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
    "x": ((0, -1, 0), (1, 0, 0), (0, 0, 1)),
    "-x": ((0, 1, 0), (-1, 0, 0), (0, 0, 1)),
}


class Scene(NamedTuple):
    """All persons of a recording on their frames.

    Shape:
        joints: (M, T, V, C) float64, finite; zeros where a body is not seen.
        confidence: (M, T, V) float64, 0 where a joint is unknown.
    """

    joints: Array
    confidence: Array

    @property
    def known(self) -> Array:
        """Whether a joint is known, (M, T, V) bool."""
        return self.confidence > 0


def scene_of(recording: RawRecording) -> Scene:
    """Place the bodies of a recording.

    A joint is unknown where its body is not seen, its confidence is 0, all its coordinates are 0, or one is not finite;
    a joint that is not finite becomes zeros. A format without confidences is sure of all it gives.

    Raises:
        RawFileError: `no_frames`, if there is no body in any frame.
    """
    joints = place_bodies(recording)
    confidence = np.zeros(joints.shape[:3])
    for person, body in enumerate(recording.bodies):
        confidence[person, body.frames] = 1.0 if body.confidence is None else body.confidence
    finite = np.asarray(np.isfinite(joints).all(axis=-1))
    known = finite & joints.any(axis=-1) & (confidence > 0)
    return Scene(np.where(finite[..., None], joints, 0.0), np.where(known, confidence, 0.0))


def recording_of(
    sequence: SkeletonSequence, layout: SkeletonLayout, *, fps: float | None = None, confidence: bool = False
) -> RawRecording:
    """A prepared sequence as if it were raw, so that it can be prepared again.

    Args:
        sequence: of a store.
        layout: of its joints.
        fps: frames per second, if known.
        confidence: whether its last channel is the confidence.

    Shape:
        bodies of the recording: one for each person that is not zeros throughout, on the frames where it is not.
    """
    joints = sequence.joints[..., :-1] if confidence else sequence.joints
    bodies: list[RawBody] = []
    for person in range(len(joints)):
        frames = np.flatnonzero(joints[person].any(axis=(1, 2)))
        if len(frames):
            sure = np.asarray(sequence.joints[person, frames, :, -1], dtype=np.float32) if confidence else None
            seen = np.asarray(joints[person, frames], dtype=np.float64)
            slots = np.full(len(frames), len(bodies))
            bodies.append(RawBody(str(person), frames, slots, seen, confidence=sure))
    return RawRecording(sequence.name, sequence.label, joints.shape[1], fps, tuple(bodies), layout=layout)


def persons_kept(scene: Scene, count: int) -> Scene:
    """At most `count` persons, in their order: those seen in most frames, of equals those who move most."""
    if len(scene.joints) <= count:
        return scene
    known = scene.known
    seen = known.any(axis=2).sum(axis=1)
    times = np.maximum(known.sum(axis=1, keepdims=True), 1)
    mean = (scene.joints * known[..., None]).sum(axis=1, keepdims=True) / times[..., None]
    motion = (((scene.joints - mean) * known[..., None]) ** 2).sum(axis=(1, 2, 3)) / np.maximum(
        known.sum(axis=(1, 2)), 1
    )
    kept = sorted(np.lexsort((-motion, -seen))[:count])
    return Scene(scene.joints[kept], scene.confidence[kept])


def gaps_filled(scene: Scene, longest: int) -> Scene:
    """Joints that are unknown for at most `longest` frames between two known ones, on the straight line between these.

    A filled joint is as sure as the less sure of the two. What is missing before the first and after the last known
    frame stays missing.
    """
    known = scene.known
    frames = known.shape[1]
    here = np.arange(frames)[:, None]
    before = np.maximum.accumulate(np.where(known, here, -1), axis=1)
    after = np.minimum.accumulate(np.where(known, here, frames)[:, ::-1], axis=1)[:, ::-1]
    filled = ~known & (before >= 0) & (after < frames) & (after - before - 1 <= longest)
    person, frame, joint = np.nonzero(filled)
    first, last = before[person, frame, joint], after[person, frame, joint]
    share = ((frame - first) / (last - first))[:, None]
    joints, confidence = scene.joints.copy(), scene.confidence.copy()
    start, end = scene.joints[person, first, joint], scene.joints[person, last, joint]
    joints[person, frame, joint] = (1 - share) * start + share * end
    sure = scene.confidence
    confidence[person, frame, joint] = np.minimum(sure[person, first, joint], sure[person, last, joint])
    return Scene(joints, confidence)


def resampled(scene: Scene, rate: float, wanted: float) -> Scene:
    """From one frame rate to another, on the straight line between the two frames around each new one.

    A joint that is known in one of the two only is taken from the nearer frame, known or not.

    Args:
        scene: at the old rate.
        rate: frames per second it has.
        wanted: frames per second it shall have.
    """
    last = scene.joints.shape[1] - 1
    if rate == wanted or not last:
        return scene
    # A hair is added so that rounding does not cost the last frame.
    places = np.minimum(np.arange(int(last * wanted / rate + 1e-9) + 1) * (rate / wanted), last)
    low = np.minimum(places.astype(np.int64), last - 1)
    share = (places - low)[:, None]
    known = scene.known
    both = known[:, low] & known[:, low + 1]
    near = low + (share[:, 0] >= 0.5)
    sure = (1 - share) * scene.confidence[:, low] + share * scene.confidence[:, low + 1]
    joints = (1 - share[..., None]) * scene.joints[:, low] + share[..., None] * scene.joints[:, low + 1]
    return Scene(
        np.where(both[..., None], joints, scene.joints[:, near] * known[:, near, :, None]),
        np.where(both, sure, scene.confidence[:, near]),
    )


def turned_up(scene: Scene, up: UpAxis) -> Scene:
    """Turn the axes so that `up` becomes y; never a reflection, so left and right stay what they are.

    Raw z goes on pointing away from the camera; if it is the vertical, raw y does. Coordinates of images, y down, turn
    by half about the line of sight ("-y"). Two coordinates know only turns in their plane.
    """
    if up == "y":
        return scene
    channels = scene.joints.shape[3]
    turn = np.array(_TURNS[up], dtype=np.float64)[:channels, :channels]
    # Adding zero makes the -0 of a turned zero 0 again.
    return scene._replace(joints=scene.joints @ turn.T + 0.0)


def scaled(scene: Scene, factor: float) -> Scene:
    """All coordinates times a factor."""
    return scene._replace(joints=scene.joints * factor)


def reflected(scene: Scene) -> Scene:
    """Negate x, every joint under its own name: from axes of a left hand to those of a right hand."""
    return scene._replace(joints=scene.joints * np.array([-1.0, *[1.0] * (scene.joints.shape[3] - 1)]) + 0.0)


def mirrored(scene: Scene, layout: SkeletonLayout) -> Scene:
    """As in a mirror: x negated, left and right joints swapped."""
    twins = list(layout.mirror)
    joints = scene.joints[:, :, twins]
    joints[..., 0] = 0.0 - joints[..., 0]
    return Scene(joints, scene.confidence[:, :, twins])


def converted(scene: Scene, conversion: JointConversion) -> Scene:
    """Into another layout; joints that need an unknown one are unknown."""
    return Scene(*conversion.apply(scene.joints, scene.confidence))


def centered(scene: Scene, joint: int) -> Scene:
    """Move everything so that a joint is the origin where it is first known: of the first person who has it at all."""
    person, frame = np.nonzero(scene.known[:, :, joint])
    if not len(person):
        return scene
    origin = scene.joints[person[0], frame[0], joint]
    return scene._replace(joints=np.where(scene.known[..., None], scene.joints - origin, scene.joints))


def with_confidence(scene: Scene) -> Array:
    """Joints with their confidence as the last channel, (M, T, V, C + 1)."""
    return np.concatenate([scene.joints, scene.confidence[..., None]], axis=-1)
