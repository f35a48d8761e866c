# SPDX-License-Identifier: Apache-2.0
"""Frame rate, repeated frames, and stretches in which nothing moves at all."""

from __future__ import annotations

import math

import numpy as np

from bonefide.data.doctor._finding import Finding
from bonefide.data.doctor._look import Look
from bonefide.types import Array

__all__ = ["find_frozen", "find_rate", "find_repeats", "runs"]

_RATES = (5.0, 240.0)
_HANDS = (0.15, 2.2)
"""Speed of the fastest hand in the liveliest tenth of a recording, in statures a second: slow and quick actions."""
_DISTRUST = 2.0
"""How far a claimed rate may lie outside what the speeds allow."""
_FROZEN = 10
"""Equal frames that are no accident: a sensor's noise moves every joint of every frame."""
_RUNS = 5
_MOST = 0.75


def find_rate(look: Look) -> Finding:
    """The frame rate told, or a wide guess by how far hands move from frame to frame."""
    low, high = _guess(look)
    numbers = {"fps": look.fps, "lowest": low, "highest": high}
    guess = "nothing that moves tells it" if low is None else f"by the speed of the hands {low:g} to {high:g}, a guess"
    if look.fps is None:
        return Finding("fps", None, f"not told; {guess}", "unknown", False, numbers)
    if not _RATES[0] <= look.fps <= _RATES[1]:
        said = f"{look.fps:g} frames a second are not usual; {guess}"
        return Finding("fps", look.fps, said, "likely", True, numbers)
    if low is not None and high is not None and not low / _DISTRUST <= look.fps <= high * _DISTRUST:
        said = f"{look.fps:g} are told, but {guess}; frames may have been left out or repeated"
        return Finding("fps", look.fps, said, "likely", True, numbers)
    return Finding("fps", look.fps, "told by the format or by whoever asks", "certain", False, numbers)


def find_repeats(look: Look) -> Finding:
    """Whether every pose is repeated, as when a recording was put up to another rate by copying."""
    equal = _equal(look)
    lengths = runs(equal)
    times = int(np.median(lengths)) if len(lengths) >= _RUNS else 1
    share = float(np.mean(lengths == times)) if len(lengths) else 0.0
    numbers = {"equal_frames": int(equal.sum()), "share": round(share, 3)}
    if times < 2 or share < _MOST:
        said = f"{int(equal.sum())} of {len(equal)} steps repeat the frame before"
        return Finding("repeats", 1, said, "certain", False, numbers)
    said = f"{share:.0%} of all poses come {times} times in a row"
    options = {} if look.fps is None or look.fps / times < 1 else {"fps": round(look.fps / times, 4)}
    return Finding("repeats", times, said, "certain", True, numbers, options)


def find_frozen(look: Look) -> Finding:
    """Longest stretch of frames in which no joint moves."""
    lengths = runs(_equal(look))
    longest = int(lengths.max()) if len(lengths) else 0
    found = longest > _FROZEN
    said = f"{longest} equal frames in a row" if found else "no stretch of equal frames"
    return Finding("frozen", longest if found else 0, said, "certain", found, {"longest": longest})


def runs(equal: Array) -> Array:
    """Lengths of the runs of equal frames, (R,) int64, from whether each step repeats the frame before, (T - 1,)."""
    starts = np.flatnonzero(np.concatenate([[True], ~equal]))
    return np.diff(np.concatenate([starts, [len(equal) + 1]]))


def _equal(look: Look) -> Array:
    """Whether a frame repeats the one before it, (T - 1,); frames in which nobody is seen repeat nothing."""
    same = (look.joints[:, 1:] == look.joints[:, :-1]) | (np.isnan(look.joints[:, 1:]) & np.isnan(look.joints[:, :-1]))
    return np.asarray(same.all(axis=(0, 2, 3)) & look.present[:, 1:].any(axis=0))


def _guess(look: Look) -> tuple[float | None, float | None]:
    stature = look.stature()
    hands = [look.at(f"{side}_wrist") for side in ("left", "right")]
    steps = np.stack([np.linalg.norm(np.diff(hand, axis=1), axis=-1) for hand in hands])
    steps = steps[~np.isnan(steps)]
    if math.isnan(stature) or stature == 0 or len(steps) < _RUNS:
        return None, None
    quick = float(np.percentile(steps, 90)) / stature
    if quick < 1e-4:
        return None, None
    return tuple(float(f"{speed / quick:.2g}") for speed in _HANDS)  # type: ignore[return-value]  # two of them
