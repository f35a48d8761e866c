# SPDX-License-Identifier: Apache-2.0
"""Persons followed from frame to frame by proximity, for pose estimators that do not say who is who."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy.optimize import linear_sum_assignment

from bonefide.errors import RawFileError
from bonefide.types import Array

__all__ = ["PERSONS", "follow"]

PERSONS = 64
"""Most persons in one frame."""
_OPEN = 2 * PERSONS
_CHUNK = 2**18


def follow(
    frames: Sequence[Array],
    confidence: Sequence[Array] | None = None,
    *,
    numbers: Sequence[int] | None = None,
    gap: int = 15,
    reach: float = 0.5,
) -> list[Array]:
    """Tell who is who in every frame.

    The persons of a frame are assigned to those followed so far such that the mean distance of the joints that both
    have is smallest in total (Hungarian assignment), in units of the body's size: the diagonal of the box around its
    joints. Nobody moves further than `reach` sizes at once: who does is somebody new. Somebody not seen for a while is
    waited for. It does not depend on the order in which a frame lists its persons, save for the numbers of those who
    enter together.

    Args:
        frames: the persons of every frame, in any unit.
        confidence: of their joints, 0 where a joint was not seen; None if all were.
        numbers: of the frames, ascending; None for consecutive ones.
        gap: how many frames somebody may be missing, at least 0.
        reach: how far a body moves between frames, in its own sizes, above 0.

    Shape:
        frames: (m, V, C) each, m different in every frame.
        confidence: (m, V) each.
        returned: (m,) int64 each; 0 for the first person that enters, then 1, ...

    Raises:
        RawFileError: `count`, if a frame has more than 64 persons.

    Example:
        >>> left, right = np.zeros((1, 3, 2)), np.full((1, 3, 2), 9.0) + np.eye(3, 2)
        >>> [who.tolist() for who in follow([left, np.concatenate([right, left]), right])]
        [[0], [1, 0], [1]]
    """
    most = max(map(len, frames), default=0)
    if not most:
        return [np.zeros(0, dtype=np.int64) for _ in frames]
    if most > PERSONS:
        raise RawFileError("count", f"{most} persons in one frame, at most {PERSONS} can be followed")
    moments = list(range(len(frames))) if numbers is None else list(numbers)
    seen = (
        [np.ones(each.shape[:2], dtype=bool) for each in frames] if confidence is None else [c > 0 for c in confidence]
    )
    taken = [place for place, each in enumerate(frames) if len(each)]
    who = _same_people(
        [frames[at] for at in taken], [seen[at] for at in taken], [moments[at] for at in taken], gap, reach
    )
    if who is not None:
        everyone = dict(zip(taken, who, strict=True))
        return [everyone.get(place, np.zeros(0, dtype=np.int64)) for place in range(len(frames))]
    known, entered, result = None, 0, []
    for moment, joints, visible in zip(moments, frames, seen, strict=True):
        if not len(joints):
            result.append(np.zeros(0, dtype=np.int64))
            continue
        now = _People.entering(joints, visible, moment)
        if known is not None:
            known = known.kept(moment - known.last <= gap + 1)
            again, now = known.assign(now, gap, reach)
            known = known.others(again)
        new = np.flatnonzero(now.ids < 0)
        now.ids[new] = np.arange(entered, entered + len(new))
        entered += len(new)
        known = now if known is None else known.joined(now)
        result.append(now.ids)
    return result


@dataclass(frozen=True, eq=False)
class _People:
    """Persons and where their joints were last.

    Shape:
        ids: (k,) int64, -1 while unknown.
        joints: (k, V, C).
        moments: (k, V) int64, when each joint was last seen; long ago if never.
        last: (k,) int64.
        boxes: (k, 2, C), smallest and largest coordinates.
        sizes: (k,), diagonals of the boxes.
    """

    ids: Array
    joints: Array
    moments: Array
    last: Array
    boxes: Array
    sizes: Array

    @classmethod
    def entering(cls, joints: Array, visible: Array, moment: int) -> Self:
        count = len(joints)
        moments = np.where(visible, moment, _LONG_AGO)
        boxes = _boxes(joints, visible)
        return cls(np.full(count, -1), joints, moments, np.full(count, moment), boxes, _diagonals(boxes))

    def kept(self, chosen: Array) -> Self:
        if chosen.all() and len(chosen) <= _OPEN:
            return self
        latest = np.sort(np.argsort(np.where(chosen, -self.last, 1), kind="stable")[: min(_OPEN, chosen.sum())])
        return type(self)(*(part[latest] for part in self._parts()))

    def others(self, taken: Array) -> Self:
        """Those who were not found again."""
        if len(taken) == len(self.ids):
            return type(self)(*(part[:0] for part in self._parts()))
        return type(self)(*(np.delete(part, taken, axis=0) for part in self._parts()))

    def joined(self, now: Self) -> Self:
        """These people and those of a frame."""
        if not len(self.ids):
            return now
        return type(self)(*(np.concatenate(both) for both in zip(self._parts(), now._parts(), strict=True)))

    def assign(self, now: Self, gap: int, reach: float) -> tuple[Array, Self]:
        """Who of these was found again, and those of a frame with the ids of whom they are.

        Joints that are hidden now stay where they were last.
        """
        if not len(self.ids):
            return np.zeros(0, dtype=np.int64), now
        cost = self._cost(now, gap, reach)
        far: Array = cost > reach
        before, after = linear_sum_assignment(np.where(far, reach, cost))
        found = ~far[before, after]
        before, after = before[found], after[found]
        now.ids[after] = self.ids[before]
        hidden = now.moments[after] == _LONG_AGO
        if not hidden.any():
            return before, now
        joints, moments = now.joints.copy(), now.moments.copy()
        joints[after] = np.where(hidden[..., None], self.joints[before], joints[after])
        moments[after] = np.where(hidden, self.moments[before], moments[after])
        boxes = _boxes(joints, moments != _LONG_AGO)
        return before, replace(now, joints=joints, moments=moments, boxes=boxes, sizes=_diagonals(boxes))

    def _cost(self, now: Self, gap: int, reach: float) -> Array:
        """Mean distance of the joints both have, in sizes; infinite if there are none or boxes are out of reach."""
        size = np.maximum(self.sizes[:, None], now.sizes[None])
        one, other = np.nonzero(_between(self.boxes, now.boxes) <= reach * size)
        moment = now.last[0]
        both = (moment - self.moments[one] <= gap + 1) & (now.moments[other] == moment)
        difference = self.joints[one] - now.joints[other]
        distance = np.sqrt(np.einsum("pvc,pvc->pv", difference, difference))
        cost = np.full(size.shape, np.inf)
        cost[one, other] = _in_sizes((distance * both).sum(axis=1), both.sum(axis=1), size[one, other])
        return cost

    def _parts(self) -> tuple[Array, ...]:
        return self.ids, self.joints, self.moments, self.last, self.boxes, self.sizes


_LONG_AGO = -(2**62)


def _boxes(joints: Array, visible: Array) -> Array:
    """Smallest and largest coordinates of the joints seen, (m, 2, C); zeros where there is none."""
    shown, any_shown = visible[..., None], np.asarray(visible.any(axis=1))
    low, high = np.where(shown, joints, np.inf).min(axis=1), np.where(shown, joints, -np.inf).max(axis=1)
    return np.where(any_shown[:, None, None], np.stack([low, high], axis=1), 0.0)


def _diagonals(boxes: Array) -> Array:
    return np.sqrt(((boxes[:, 1] - boxes[:, 0]) ** 2).sum(axis=-1))


def _between(some: Array, others: Array) -> Array:
    """Distance of every two boxes, which no joint of one and joint of the other undercut, (k, m)."""
    above = some[:, None, 0] - others[None, :, 1]
    below = others[None, :, 0] - some[:, None, 1]
    return np.sqrt((np.maximum(np.maximum(above, below), 0) ** 2).sum(axis=-1))


def _same_people(
    frames: Sequence[Array], seen: Sequence[Array], moments: Sequence[int], gap: int, reach: float
) -> list[Array] | None:
    """Who is who where all frames show equally many, and everybody's nearest is somebody else's in all of them.

    The common case, without assigning frame by frame: nearest persons that are all different are the best assignment.
    """
    if len({len(each) for each in frames}) != 1 or (np.diff(moments) > gap + 1).any():
        return None
    count, joints = frames[0].shape[:2]
    nearest = np.zeros((len(frames) - 1, count), dtype=np.int64)
    chunk = max(1, _CHUNK // (count * count * joints))
    for start in range(0, len(frames) - 1, chunk):
        stop = min(start + chunk, len(frames) - 1)
        poses, shown = np.stack(frames[start : stop + 1]), np.stack(seen[start : stop + 1])
        cost = _steps(poses, shown)
        best = cost.argmin(axis=2)
        fit = (np.sort(best, axis=1) == np.arange(count)).all() and (cost.min(axis=2) <= reach).all()
        if not fit:
            return None
        nearest[start:stop] = best
    who = [np.arange(count)]
    for step in nearest:
        after = np.empty_like(step)
        after[step] = who[-1]
        who.append(after)
    return who


def _steps(poses: Array, shown: Array) -> Array:
    """Mean distance in sizes of everybody to everybody in the next frame, (F - 1, m, m); infinite if nothing is shared.

    Shape:
        poses: (F, m, V, C).
        shown: (F, m, V) bool.
    """
    frames, count = shown.shape[:2]
    flat = shown.reshape(-1, shown.shape[2])
    sizes = _diagonals(_boxes(poses.reshape(len(flat), -1, poses.shape[3]), flat)).reshape(frames, count)
    difference = poses[:-1, :, None] - poses[1:, None]
    both = shown[:-1, :, None] & shown[1:, None]
    distance = (np.sqrt(np.einsum("tabvc,tabvc->tabv", difference, difference)) * both).sum(axis=3)
    return _in_sizes(distance, both.sum(axis=3), np.maximum(sizes[:-1, :, None], sizes[1:, None]))


def _in_sizes(total: Array, count: Array, sizes: Array) -> Array:
    """Mean distances relative to sizes; infinite where no joint is shared."""
    mean = total / np.maximum(count, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(sizes > 0, mean / sizes, np.where(mean > 0, np.inf, 0.0))
    return np.where(count > 0, relative, np.inf)
