# SPDX-License-Identifier: Apache-2.0
"""Layouts of joints that a file itself names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bonefide.layouts import SkeletonLayout, layout, names
from bonefide.layouts.sides import name_of_twin

__all__ = ["named_layout", "twins"]


def named_layout(name: str, joints: Sequence[str], links: Iterable[tuple[int, int]]) -> str | SkeletonLayout | None:
    """The layout of joints with these names: one of the package's by its name, or a new one.

    Args:
        name: of a new one.
        joints: their names, in the order of the data.
        links: pairs of joints that are joined; a tree is made of them that hangs on the first joint.

    Returns:
        None if two joints have one name, or the links do not join all of them.
    """
    plain = tuple(joint.lower().replace(" ", "_") for joint in joints)
    for known in names():
        if layout(known).joints == plain:
            return known
    parents = _tree(len(joints), links)
    if parents is None or len(set(joints)) < len(joints):
        return None
    return SkeletonLayout(name, tuple(joints), parents, twins(joints))


def twins(joints: Sequence[str]) -> tuple[int, ...]:
    """For every joint the one with left and right swapped in its name; itself if there is none."""
    places = {joint: place for place, joint in enumerate(joints)}
    other = [places.get(name_of_twin(joint), place) for place, joint in enumerate(joints)]
    return tuple(twin if other[twin] == place else place for place, twin in enumerate(other))


def _tree(count: int, links: Iterable[tuple[int, int]]) -> tuple[int, ...] | None:
    neighbours: list[list[int]] = [[] for _ in range(count)]
    for one, other in links:
        neighbours[one].append(other)
        neighbours[other].append(one)
    parents = {0: 0}
    reached = [0]
    for joint in reached:
        for other in neighbours[joint]:
            if other not in parents:
                parents[other] = joint
                reached.append(other)
    return tuple(parents[joint] for joint in range(count)) if len(parents) == count else None
