# SPDX-License-Identifier: Apache-2.0
"""What is missing, and what no body does: gaps, bones that stretch, jumps, joints on top of each other, bad numbers."""

from __future__ import annotations

import math

import numpy as np

from bonefide.data.doctor._finding import Finding
from bonefide.data.doctor._look import Look, median
from bonefide.layouts import SkeletonLayout
from bonefide.types import Array

__all__ = ["find_bones", "find_coincidences", "find_gaps", "find_jumps", "find_nonfinite", "find_size", "inner_gaps"]

_FILL = 15
"""Frames over which a straight line is better than nothing: half a second of most recordings."""
_MISSING = 0.002
_SPREAD = 0.35
_SIDES = 1.5
_SHORT = 0.1
"""Bones of hands and feet, in statures, that sensors place too badly to be judged."""
_FAST, _STEP = 10.0, 0.2
_OFTEN = 0.02
_TOGETHER = 0.5


def find_size(look: Look) -> Finding:
    """Persons, frames, joints, coordinates, and their range."""
    persons, frames, joints, channels = look.raw.shape
    values = look.joints[look.known]
    low, high = (values.min(axis=0), values.max(axis=0)) if len(values) else (np.zeros(0), np.zeros(0))
    reach = ", ".join(f"{a} {low[i]:.4g} to {high[i]:.4g}" for i, a in enumerate("xyz"[: len(low)]))
    numbers = {"shape": list(look.raw.shape), "lowest": low.tolist(), "highest": high.tolist()}
    said = f"{persons} x {frames} x {joints} x {channels}: persons, frames, joints, coordinates; {reach}"
    return Finding("size", f"{persons} persons, {frames} frames", said, "certain", False, numbers)


def find_gaps(look: Look) -> Finding:
    """Frames without anybody, single joints that are missing, and gaps that can be filled."""
    known, present = look.known, look.present
    empty = int((~present.any(axis=0)).sum())
    missing = float((~known)[present].mean()) if present.any() else 1.0
    lengths = inner_gaps(known)
    longest = int(lengths.max()) if len(lengths) else 0
    short = lengths[lengths <= _FILL]
    numbers = {"empty_frames": empty, "missing_joints": round(missing, 5), "gaps": len(lengths), "longest": longest}
    said = f"{empty} frames without anybody, {missing:.2%} of the joints of those seen missing, {_gaps(lengths)}"
    wrong = empty > 0 or missing > _MISSING or _common(known)
    options = {"fill_gaps": int(short.max())} if len(short) and wrong else {}
    return Finding("gaps", len(lengths), said, "certain", wrong, numbers, options)


def inner_gaps(known: Array) -> Array:
    """Lengths in frames of all stretches in which a joint is unknown, between two in which it is known, (G,).

    Shape:
        known: (M, T, V) bool.
    """
    frames = known.shape[1]
    here = np.arange(frames)[:, None]
    before = np.maximum.accumulate(np.where(known, here, -1), axis=1)[:, :-1]
    after = known[:, 1:]
    # A gap ends where a joint is known that was not in the frame before, though in one before that.
    ends = after & ~known[:, :-1] & (before >= 0)
    return np.asarray((np.arange(frames - 1)[:, None] - before)[ends])


def _common(known: Array) -> bool:
    """Whether somebody is absent as a whole between two frames."""
    return bool(len(inner_gaps(np.asarray(known.any(axis=-1, keepdims=True)))))


def _gaps(lengths: Array) -> str:
    if not len(lengths):
        return "no gap in a joint's way"
    return f"{len(lengths)} gaps in joints' ways, the longest of {int(lengths.max())} frames"


def find_bones(look: Look) -> Finding:
    """Bones whose length changes as no bone does, or is another on the left than on the right."""
    if look.layout is None or look.flat:
        why = "a picture shortens bones" if look.layout is not None else "nothing tells which joints a bone joins"
        return Finding("bones", None, f"not judged: {why}", "unknown")
    wrong = _odd_bones(look, look.layout)
    if not wrong:
        return Finding("bones", 0, "all bones keep their length, left as right", "certain")
    said = "; ".join(f"{bone}: {why}" for bone, why in list(wrong.items())[:4])
    return Finding("bones", len(wrong), said, "likely", True, {"bones": wrong})


def _odd_bones(look: Look, layout: SkeletonLayout) -> dict[str, str]:
    """Bone, by its outer joint, to what is wrong with it, in any person."""
    statures = look.statures()
    edges = np.array(layout.edges())
    lengths = np.linalg.norm(look.joints[:, :, edges[:, 0]] - look.joints[:, :, edges[:, 1]], axis=-1)
    middle = median(lengths, axis=1)
    spread = median(np.abs(lengths - middle[:, None]), axis=1) / np.where(middle > 0, middle, np.nan)
    judged = middle > _SHORT * statures[:, None]
    place = {joint: bone for bone, joint in enumerate(edges[:, 0].tolist())}
    found: dict[str, str] = {}
    for person, bone in np.argwhere(judged).tolist():
        child, parent = edges[bone].tolist()
        if spread[person, bone] > _SPREAD:
            found[layout.joints[child]] = f"its length changes by {spread[person, bone]:.0%} half of the time"
        twin = place.get(layout.mirror[child])
        if twin is None or twin == bone or layout.parents[layout.mirror[child]] != layout.mirror[parent]:
            continue
        ratio = middle[person, bone] / max(middle[person, twin], 1e-12)
        if ratio > _SIDES:
            found[layout.joints[child]] = f"{ratio:.2f} times as long as that on the other side"
    return found


def find_jumps(look: Look) -> Finding:
    """Joints that move faster than people do: 10 m/s, or a fifth of a stature in a frame where the rate is unknown."""
    stature = look.stature()
    steps = np.linalg.norm(np.diff(look.joints, axis=1), axis=-1)
    known = ~np.isnan(steps)
    if math.isnan(stature) or not known.any():
        return Finding("jumps", None, "nothing to measure ways by", "unknown")
    # A stature counts as 1.7 m, so that the unit does not matter.
    limit = stature * (_STEP if look.fps is None else max(_FAST / 1.7 / look.fps, _STEP / 2))
    fast = known & (np.where(known, steps, 0.0) > limit)
    share = float(fast.sum() / known.sum())
    frames = (np.flatnonzero(fast.any(axis=(0, 2))) + 1).tolist()
    joints = [] if look.layout is None else [look.layout.joints[each] for each in np.flatnonzero(fast.any(axis=(0, 1)))]
    numbers = {"steps": int(fast.sum()), "share": round(share, 5), "frames": frames[:100], "joints": joints}
    # A whole body that jumps is one frame of many, so it counts apart.
    bodily = bool((fast.sum(axis=2) > _TOGETHER * np.maximum(known.sum(axis=2), 1)).any())
    said = f"{int(fast.sum())} of {int(known.sum())} steps of joints are too long"
    said += f", at frames {', '.join(map(str, frames[:5]))}" if frames else ""
    return Finding("jumps", int(fast.sum()), said, "certain", bodily or share > _OFTEN, numbers)


def find_coincidences(look: Look) -> Finding:
    """Joints that lie exactly on others most of the time: copies, put there because they were not measured."""
    known = look.known
    joints = look.joints
    pairs = []
    for first in range(joints.shape[2] - 1):
        both = known[:, :, first, None] & known[:, :, first + 1 :]
        same = (joints[:, :, first, None] == joints[:, :, first + 1 :]).all(axis=-1) & both
        share = same.sum(axis=(0, 1)) / np.maximum(both.sum(axis=(0, 1)), 1)
        pairs += [(first, first + 1 + int(other)) for other in np.flatnonzero(share > _TOGETHER)]
    names = [[_named(look, first), _named(look, second)] for first, second in pairs]
    if not pairs:
        return Finding("coincident", 0, "no two joints lie on the same spot", "certain")
    said = ", ".join(f"{second} on {first}" for first, second in names[:5])
    return Finding("coincident", len(pairs), said, "certain", True, {"pairs": names})


def find_nonfinite(look: Look) -> Finding:
    """Coordinates that are no numbers."""
    count = int((~np.isfinite(look.raw)).sum())
    said = f"{count} coordinates are not finite; their joints count as missing" if count else "all numbers are finite"
    return Finding("nonfinite", count, said, "certain", count > 0)


def _named(look: Look, joint: int) -> str:
    return str(joint) if look.layout is None else look.layout.joints[joint]
