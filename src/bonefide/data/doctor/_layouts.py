# SPDX-License-Identifier: Apache-2.0
"""Which layout the joints have: by their number, then by how short and how constant the bones of each tree are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bonefide import layouts
from bonefide.data.doctor._finding import Finding
from bonefide.data.doctor._look import Look
from bonefide.layouts import SkeletonLayout
from bonefide.types import Array

__all__ = ["find_layout", "likely_layouts"]

_FRAMES = 300
"""Frames that are compared; more tell nothing new."""
_CLEAR = 1.05
"""How much worse the second best must be to be out of the question."""
_BAD_FIT = 1.15
"""How much worse than a rival a declared layout must be to be doubted."""


def likely_layouts(look: Look) -> tuple[tuple[SkeletonLayout, float], ...]:
    """Layouts with that number of joints, the best first, each with its cost: 1 for the best.

    The cost is the length of all bones and how much they change over time. Wrong trees join what lies far apart, and
    what moves against each other. Layouts that give the joints the same order count as one.
    """
    candidates: list[SkeletonLayout] = []
    for name in layouts.names():
        layout = layouts.layout(name)
        if len(layout.joints) == look.joints.shape[2] and all(layout.joints != other.joints for other in candidates):
            candidates.append(layout)
    return _ranked(look, candidates)


def find_layout(look: Look) -> Finding:
    """Whether the declared layout fits, or which one is likely."""
    count = look.joints.shape[2]
    ranked = likely_layouts(look)
    costs = {layout.name: round(cost, 3) for layout, cost in ranked}
    numbers = {"joints": count, "costs": costs}
    if look.layout is not None:
        return _declared(look, look.layout, ranked, numbers)
    if not ranked:
        return Finding(
            "layout", None, f"no layout has {count} joints; describe yours in YAML", "unknown", True, numbers
        )
    best = ranked[0][0]
    if len(ranked) == 1:
        return Finding("layout", best.name, f"the only one with {count} joints", "likely", False, numbers)
    other, cost = ranked[1]
    if cost < _CLEAR:
        said = f"{best.name} and {other.name} have {count} joints and fit alike"
        return Finding("layout", None, said, "unknown", True, numbers)
    said = f"of the layouts with {count} joints its bones are shortest and most constant, {other.name} costs {cost:.2f}"
    return Finding("layout", best.name, f"{said} times as much", "likely", False, numbers)


def _declared(
    look: Look, layout: SkeletonLayout, ranked: Sequence[tuple[SkeletonLayout, float]], numbers: dict[str, object]
) -> Finding:
    count = look.joints.shape[2]
    if len(layout.joints) != count:
        said = f"{layout.name} has {len(layout.joints)} joints, there are {count}"
        return Finding("layout", None, said, "certain", True, numbers)
    rivals = [each for each, _ in ranked if each.joints != layout.joints]
    costs = {each.joints: cost for each, cost in _ranked(look, [layout, *rivals])}
    best = min(costs, key=lambda joints: costs[joints])
    if costs[layout.joints] > _BAD_FIT:
        likely = next(each.name for each in rivals if each.joints == best)
        said = f"declared as {layout.name}, but the bones of {likely} are shorter and more constant"
        said += f" by {costs[layout.joints]:.2f}"
        return Finding("layout", likely, said, "likely", True, numbers)
    return Finding("layout", layout.name, "declared, and its bones fit", "certain", False, numbers)


def _ranked(look: Look, candidates: Sequence[SkeletonLayout]) -> tuple[tuple[SkeletonLayout, float], ...]:
    frames = np.unique(np.linspace(0, look.joints.shape[1] - 1, _FRAMES).astype(int))
    poses = look.joints[:, frames].reshape(-1, *look.joints.shape[2:])
    poses = poses[~np.isnan(poses).any(axis=(1, 2))]
    if not len(poses) or not candidates:
        return tuple((layout, 1.0) for layout in candidates)
    costs = [_cost(poses, layout) for layout in candidates]
    best = max(min(costs), np.finfo(float).tiny)
    return tuple(sorted(((layout, cost / best) for layout, cost in zip(candidates, costs, strict=True)), key=_second))


def _second(pair: tuple[SkeletonLayout, float]) -> float:
    return pair[1]


def _cost(poses: Array, layout: SkeletonLayout) -> float:
    children, parents = np.array(layout.edges()).T
    lengths = np.linalg.norm(poses[:, children] - poses[:, parents], axis=-1)
    return float((np.median(lengths, axis=0) + 2.0 * lengths.std(axis=0)).sum() / len(children))
