# SPDX-License-Identifier: Apache-2.0
"""The preparation of NTU RGB+D that 2s-AGCN brought: the two liveliest bodies, repeated to 300 frames, set upright."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bonefide.data.preparation._faults import check_bodies
from bonefide.data.preparation._slots import place_slots
from bonefide.data.raw._recording import RawRecording
from bonefide.errors import RawFileError
from bonefide.transforms._rotation import onto
from bonefide.types import Array, SkeletonSequence

__all__ = ["NTUAGCN"]

_FRAMES = 300
_SLOTS, _PERSONS = 4, 2
_CENTER = 1
_SPINE, _SHOULDERS = (1, 0), (8, 4)
_UP, _ACROSS = np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0])


@dataclass(frozen=True)
class NTUAGCN:
    """Two of the first four bodies listed, filled up to 300 frames and turned so that the first one stands along z.

    The k-th body listed in a frame goes to slot k; the two slots of largest spread (standard deviations of x, y and z,
    summed) become the persons. Each person's frames are repeated in a cycle up to 300. Then, frame by frame, the middle
    of the spine of person 0 becomes the origin of both persons, so the way somebody walks is lost; and the whole clip
    is turned so that the spine of person 0 in frame 0 points to +z and the line of the shoulders to +x.

    Shape:
        returned: joints (M, 300, 25, 3) float32 in metres, M = 1 if the second person is nowhere and else 2; an absent
            person is zeros.

    Raises:
        RawFileError: `nonfinite`, `zero` (all coordinates), `no_frames`, or `joints` if a body does not have 25.

    Reference:
        Shi, Zhang, Cheng, Lu. Two-Stream Adaptive Graph Convolutional Networks for Skeleton-Based Action Recognition.
        CVPR 2019, arXiv:1805.07694. Shift-GCN (CVPR 2020) uses the same preparation.

    Differs from the official code:
        Of recordings of more than 300 frames the first 300 are taken; officially they are an error. Of equally spread
        slots the earlier comes first; officially the sorting decides, in ways that depend on the processor. No second
        person is stored where there never is one. Recordings that are all zeros, or not finite, are left out.

    Example:
        >>> from bonefide.data.raw._recording import RawBody
        >>> joints = np.random.default_rng(0).normal(size=(7, 25, 3))
        >>> body = RawBody("7", np.arange(7), np.zeros(7, dtype=np.int64), joints)
        >>> joints = NTUAGCN()(RawRecording("sample", 0, 7, 30.0, (body,))).joints
        >>> joints.shape, np.array_equal(joints[:, :7], joints[:, 7:14]), joints[0, :, 1].any()
        ((1, 300, 25, 3), True, np.False_)
    """

    version: ClassVar[int] = 1
    layout: ClassVar[str] = "ntu25"
    dtype: ClassVar[str] = "float32"

    def __call__(self, recording: RawRecording) -> SkeletonSequence:
        """Prepare one recording; see the class for the codes of `RawFileError`."""
        check_bodies(recording.name, recording.bodies)
        slots = place_slots(recording, _SLOTS)[:, :_FRAMES]
        if not slots.any():
            raise RawFileError("zero", f"all coordinates of its first {_FRAMES} frames are zero", path=recording.name)
        filled = [_repeat(person) for person in _liveliest(slots).astype(self.dtype)]
        clip = _upright(_centered(np.stack(filled)))
        shown = clip if clip[-1].any() else clip[:1]
        return SkeletonSequence(recording.name, recording.label, shown)


def _liveliest(slots: Array) -> Array:
    """The slots of largest spread, at most two; of equal ones the earlier first."""
    order = np.argsort([-_spread(slot) for slot in slots], kind="stable")
    liveliest: Array = slots[order[:_PERSONS]]
    return liveliest


def _spread(slot: Array) -> float:
    shown = _shown(slot)
    if not shown.any():
        return 0.0
    points = slot[shown].reshape(-1, slot.shape[-1])
    return float(np.ascontiguousarray(points.T).std(axis=1).sum())


def _shown(person: Array) -> Array:
    """Frames whose coordinates do not sum to 0: the official test for somebody's presence."""
    present: Array = person.reshape(len(person), -1).sum(axis=1) != 0
    return present


def _repeat(person: Array) -> Array:
    """A person's frames in a cycle; empty ones go if the first is one, else only those behind the last that is not."""
    shown = _shown(person)
    if not shown.any():
        return np.zeros((_FRAMES, *person.shape[1:]), person.dtype)
    kept = person[: np.flatnonzero(shown)[-1] + 1] if shown[0] else person[shown]
    return kept[np.arange(_FRAMES) % len(kept)]


def _centered(clip: Array) -> Array:
    there = clip[..., 0] + clip[..., 1] + clip[..., 2] != 0
    centered: Array = np.where(there[..., None], clip - clip[0, :, _CENTER, None], clip)
    return centered


def _upright(clip: Array) -> Array:
    """The clip turned so that the first frame of its first person stands upright, then shoulders along x."""
    turn, first = np.eye(3), clip[0, 0].astype(np.float64)
    for (tip, foot), target in ((_SPINE, _UP), (_SHOULDERS, _ACROSS)):
        further = onto(first[tip] - first[foot], target)
        # Officially the clip is stored in single precision after each turn.
        turn, first = further @ turn, (first @ further.T).astype(clip.dtype).astype(np.float64)
    turned: Array = (clip.reshape(-1, 3).astype(np.float64) @ turn.T).astype(clip.dtype)
    return turned.reshape(clip.shape)
