# SPDX-License-Identifier: Apache-2.0
"""Recordings as they are, or put right by a few plain steps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, get_args

from bonefide.data.preparation import _plain_steps as steps
from bonefide.data.preparation._placing import place_bodies
from bonefide.data.preparation._plain_steps import Scene, UpAxis
from bonefide.data.raw._recording import RawRecording
from bonefide.errors import DataError, RawFileError, UnknownNameError
from bonefide.layouts import SkeletonLayout
from bonefide.layouts import layout as layout_of
from bonefide.layouts.conversion import conversion
from bonefide.types import SkeletonSequence

__all__ = ["Plain"]

_MOST_FPS = 240.0
_RAW_FPS = (1.0, 1000.0)


@dataclass(frozen=True)
class Plain:
    """Every body on its true frames, nothing moved, nothing dropped; options put right what a recording needs.

    For one's own data, and to see what a sensor really gave. Without options the layout is that of the raw format. The
    steps run in this order: `persons`, `fill_gaps`, `fps`, `up`, `scale`, `reflect`, `mirror`, `to`, `center`,
    `confidence`. `bonefide doctor` proposes them.

    A joint is unknown where its body is not seen, its confidence is 0, all its coordinates are 0, or one is not finite.

    Args:
        to: name of the layout wanted; "" leaves it. What no joint of the recording tells is inferred, and the store
            says which joints these are (`bonefide.layouts.conversion`).
        scale: factor of all coordinates, above 0: 0.001 if they are millimetres.
        up: which raw axis points up; it becomes y, by a rotation. Raw z keeps pointing away from the camera, or raw y
            if z is the vertical. Coordinates of images, y down, are "-y".
        reflect: whether x is negated alone, for coordinates of a left-handed system, in which hearts beat on the right.
        mirror: whether left and right are swapped and x negated, for recordings that show a mirror image of somebody.
        confidence: whether the confidence of every joint is added as the last channel: 0 to 1, 1 where the format
            tells none, 0 for unknown joints.
        fps: frames per second wanted, at most 240, by linear interpolation; 0 leaves them, as does a recording that
            does not tell its own.
        persons: how many are kept at most: those seen in most frames, of equals those who move most; 0 keeps all.
        center: name of a joint, of the layout wanted, that becomes the origin where it is first seen; "" moves nothing.
        fill_gaps: longest gap in frames that is filled by linear interpolation, of a person or a joint; 0 fills none.

    Shape:
        returned joints: (M, T, V, C), C one more with `confidence`; zeros where a body is not seen; stored as float32.

    Raises:
        UnknownNameError: if there is no such layout, axis, or joint to centre on.
        DataError: if an option is out of its range, needs a third coordinate or a layout and there is none.
        RawFileError: `no_frames`, if there is no body in any frame; `joints`, if a body has not the layout's joints;
            `fps`, if `fps` is given and the recording claims less than 1 or more than 1000 frames per second.

    Reference:
        None; it changes nothing but what it is told to.

    Differs from the official code:
        There is none.

    Example:
        >>> import numpy as np
        >>> from bonefide.data.raw._recording import RawBody
        >>> late = RawBody("7", np.array([1]), np.array([0]), np.ones((1, 2, 3)))
        >>> recording = RawRecording("mine", 0, 2, None, (late,))
        >>> Plain()(recording).joints[0, :, 0, 0].tolist()
        [0.0, 1.0]
        >>> Plain(up="-y", scale=0.001, confidence=True)(recording).joints[0, 1, 0].tolist()
        [-0.001, -0.001, 0.001, 1.0]
    """

    version: ClassVar[int] = 2
    layout: ClassVar[str] = ""
    dtype: ClassVar[str] = "float32"

    to: str = ""
    scale: float = 1.0
    up: UpAxis = "y"
    reflect: bool = False
    mirror: bool = False
    confidence: bool = False
    fps: float = 0.0
    persons: int = 0
    center: str = ""
    fill_gaps: int = 0

    def __post_init__(self) -> None:
        if self.to:
            layout_of(self.to)
        if self.up not in get_args(UpAxis):
            raise UnknownNameError("axes that may point up", self.up, get_args(UpAxis))
        if not (math.isfinite(self.scale) and self.scale > 0):
            raise DataError(f"scale must be a number above 0, such as 0.001 for millimetres, got {self.scale}")
        if not 0 <= self.fps <= _MOST_FPS:
            raise DataError(f"fps must be 0 to {_MOST_FPS:g} frames per second, 0 to leave them, got {self.fps}")
        if self.persons < 0:
            raise DataError(f"persons must be 0, for all, or the number to keep, got {self.persons}")
        if self.fill_gaps < 0:
            raise DataError(f"fill_gaps must be 0, for none, or a number of frames, got {self.fill_gaps}")

    def result(self, layout: SkeletonLayout, channels: int) -> tuple[SkeletonLayout, int, tuple[str, ...]]:
        """Layout, channels and inferred joints of what it returns; see `ChangesJoints`."""
        if self.up in {"z", "-z"} and channels < 3:
            raise DataError(f"up='{self.up}' needs three coordinates, and these joints have {channels}")
        target = layout_of(self.to) if self.to else layout
        if self.center and self.center not in target.joints:
            raise UnknownNameError(f"joints of {target.name}", self.center, target.joints)
        return target, channels + self.confidence, conversion(layout, target).inferred_joints

    def __call__(self, recording: RawRecording) -> SkeletonSequence:
        """Prepare one recording; see `Preparation`."""
        if self == Plain():
            return SkeletonSequence(recording.name, recording.label, place_bodies(recording))
        scene = self._in_layout(self._in_time(steps.scene_of(recording), recording), recording)
        joints = steps.with_confidence(scene) if self.confidence else scene.joints
        return SkeletonSequence(recording.name, recording.label, joints)

    def _in_time(self, scene: Scene, recording: RawRecording) -> Scene:
        """Who and when."""
        if self.persons:
            scene = steps.persons_kept(scene, self.persons)
        if self.fill_gaps:
            scene = steps.gaps_filled(scene, self.fill_gaps)
        if self.fps and recording.fps is not None:
            if not _RAW_FPS[0] <= recording.fps <= _RAW_FPS[1]:
                raise RawFileError(
                    "fps", f"{recording.fps:g} frames per second are not believable", path=recording.name
                )
            scene = steps.resampled(scene, recording.fps, self.fps)
        return scene

    def _in_layout(self, scene: Scene, recording: RawRecording) -> Scene:
        """Where, and which joints."""
        layout, channels = recording.layout, scene.joints.shape[3]
        if self.up in {"z", "-z"} and channels < 3:
            raise DataError(
                f"up='{self.up}' needs three coordinates, and the joints of {recording.name} have {channels}"
            )
        scene = steps.scaled(steps.turned_up(scene, self.up), self.scale)
        if self.reflect:
            scene = steps.reflected(scene)
        if not (self.mirror or self.to or self.center):
            return scene
        if layout is None:
            raise DataError(f"mirror, to and center need to know the layout of {recording.name}, and it has none")
        if scene.joints.shape[2] != len(layout.joints):
            raise RawFileError(
                "joints",
                f"{scene.joints.shape[2]} joints, where layout {layout.name} has {len(layout.joints)}",
                path=recording.name,
            )
        target, _, _ = self.result(layout, channels)
        if self.mirror:
            scene = steps.mirrored(scene, layout)
        if self.to:
            scene = steps.converted(scene, conversion(layout, target))
        return steps.centered(scene, target.joints.index(self.center)) if self.center else scene
