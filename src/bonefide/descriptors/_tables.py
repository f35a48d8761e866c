# SPDX-License-Identifier: Apache-2.0
"""Which joints the descriptors look at: the published tables of Kinect skeletons, and the same by anatomy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from bonefide.errors import ShapeError
from bonefide.layouts.anatomy import points
from bonefide.layouts.layout import SkeletonLayout
from bonefide.layouts.ntu25 import NTU25, NTU25_PYSKL
from bonefide.layouts.ucla20 import UCLA20

__all__ = ["Bones", "Distances", "Table", "Triples", "table"]

Bones = tuple[tuple[int, int], ...]
Distances = tuple[tuple[int, int, int], ...]
"""One row each: a joint, the joint whose x and y are compared with it, and the joint whose z is."""
Triples = tuple[tuple[int, int, int], ...]
"""One row each: the joint at which the angle is, and the two that it is between."""


@dataclass(frozen=True)
class Table:
    """What a layout's descriptors are made of; joints are numbers within one body.

    Args:
        origin: the joint of the first body in the first frame that becomes (0, 0, 0).
        bones: the graph of GD.
        size: bones whose lengths in the first frame add up to the body's size, in the order of addition.
        distances: rows of JDD of the first body and of the second.
        undivided: rows of JDD that are not divided by the body's size.
        angles: rows of LAD, of one body alone and of each of two.
    """

    origin: int
    bones: Bones
    size: Bones
    distances: tuple[Distances, Distances]
    undivided: tuple[int, ...]
    angles: tuple[Triples, Triples]


_SPINE = 1
"""The middle of the spine, of both Kinects."""
_ORIGINS = ("spine", "pelvis", "shoulder_center")
_KINECT_V1 = {"lumbar": "spine", "sacrum": "pelvis"}
"""What the first Kinect calls spine and hip centre, for what of the second it stands."""
# Unlike in the layout, tips of hands and thumbs both hang on the hand: the graph of these descriptors only.
_NTU_BONES = (
    (0, 1), (1, 20), (20, 2), (2, 3), (0, 12), (12, 13), (13, 14), (14, 15), (0, 16), (16, 17), (17, 18), (18, 19),
    (20, 4), (4, 5), (5, 6), (6, 7), (7, 21), (7, 22), (20, 8), (8, 9), (9, 10), (10, 11), (11, 23), (11, 24),
)  # fmt: skip
_NTU_PAIRS = (
    (5, 9), (6, 10), (13, 17), (14, 18), (6, 12), (6, 13), (6, 14), (10, 16), (10, 17), (10, 18), (3, 14), (3, 18),
    (0, 17), (16, 18), (0, 13), (12, 14), (4, 6), (20, 5), (2, 4), (2, 8), (20, 9), (8, 10), (13, 18), (14, 17),
    (5, 10), (6, 9), (3, 17), (3, 10), (3, 9), (3, 13), (3, 6), (3, 5),
)  # fmt: skip
_NTU_ANGLES = (
    (16, 17, 0), (17, 18, 16), (12, 0, 13), (13, 12, 14), (5, 4, 6), (4, 20, 5), (20, 4, 2), (20, 2, 8), (8, 9, 20),
    (9, 10, 8), (14, 15, 13), (18, 17, 19), (7, 22, 21), (11, 23, 24),
)  # fmt: skip
_UCLA_BONES = (
    (0, 1), (1, 2), (2, 3), (0, 12), (12, 13), (13, 14), (14, 15), (0, 16), (16, 17), (17, 18), (18, 19), (2, 8),
    (8, 9), (9, 10), (10, 11), (2, 4), (4, 5), (5, 6), (6, 7),
)  # fmt: skip
_UCLA_PAIRS = (
    (5, 9), (6, 10), (13, 17), (14, 18), (10, 16), (10, 17), (10, 18), (6, 12), (6, 13), (6, 14), (3, 18), (3, 14),
    (0, 13), (12, 14), (0, 17), (16, 18), (10, 8), (9, 2), (8, 3), (3, 4), (2, 5), (4, 6), (17, 14), (13, 18), (9, 6),
    (5, 10), (3, 13), (3, 6), (3, 5), (3, 17), (3, 10), (3, 9),
)  # fmt: skip
_UCLA_ANGLES = (
    (12, 13, 0), (13, 14, 12), (16, 0, 17), (17, 16, 18), (9, 8, 10), (8, 2, 9), (2, 8, 3), (2, 3, 4), (4, 5, 2),
    (5, 6, 4), (18, 19, 17), (14, 13, 15), (10, 9, 11), (6, 5, 7),
)  # fmt: skip


def table(layout: SkeletonLayout, *, corrected: bool) -> Table:
    """The rows of a layout's descriptors: as published for those of Kinect, else what NTU's are by anatomy."""
    if layout in {NTU25, NTU25_PYSKL}:
        return _NTU_CORRECTED if corrected else _NTU
    if layout == UCLA20:
        return _UCLA_CORRECTED if corrected else _UCLA
    return _by_anatomy(layout.name, points(layout), layout.edges(), layout.root)


def _true(pairs: Bones) -> Distances:
    return tuple((first, second, second) for first, second in pairs)


def _replaced(rows: Distances, changes: dict[int, tuple[int, int, int]]) -> Distances:
    return tuple(changes.get(number, row) for number, row in enumerate(rows))


def _plain(bones: Bones, pairs: Bones, angles: Triples) -> Table:
    return Table(_SPINE, bones, bones, (_true(pairs), _true(pairs)), (), (angles, angles))


@lru_cache(maxsize=64)
def _by_anatomy(name: str, found: tuple[str, ...], edges: Bones, root: int) -> Table:
    if not edges:
        raise ShapeError(f"layout {name} has no bones, from which neighbours and the body's size follow")
    joint_of = {_KINECT_V1.get(point, point): joint for joint, point in enumerate(found)}
    joint_of |= {point: joint for joint, point in enumerate(found)}
    joints = [joint_of.get(point) for point in points(NTU25)]

    def there(rows: tuple[tuple[int, ...], ...]) -> list[list[int]]:
        named = [[joints[joint] for joint in row] for row in rows]
        return [[joint for joint in row if joint is not None] for row in named if None not in row]

    pairs = tuple((first, second) for first, second in there(_NTU_PAIRS))
    angles = tuple((vertex, first, second) for vertex, first, second in there(_NTU_ANGLES))
    origin = next((joint_of[point] for point in _ORIGINS if point in joint_of), root)
    return replace(_plain(edges, pairs, angles), origin=origin)


_NTU_CORRECTED = _plain(_NTU_BONES, _NTU_PAIRS, _NTU_ANGLES)
_UCLA_CORRECTED = _plain(_UCLA_BONES, _UCLA_PAIRS, _UCLA_ANGLES)

# Two rows take z from another joint than x and y.
_NTU_DISTANCES = _replaced(_true(_NTU_PAIRS), {20: (20, 9, 17), 21: (8, 10, 9)})
# The second body's row 16 is overwritten by what should be row 17, which stays empty: a joint's distance to itself.
_NTU_SECOND = _replaced(_NTU_DISTANCES, {16: (20, 5, 5), 17: (0, 0, 0)})
# With two bodies the angle of the left elbow is towards the hand, not the wrist.
_NTU_IN_COMPANY = _replaced(_NTU_ANGLES, {4: (5, 4, 7)})
_NTU = replace(_NTU_CORRECTED, distances=(_NTU_DISTANCES, _NTU_SECOND), angles=(_NTU_ANGLES, _NTU_IN_COMPANY))
# The bone from the neck to the head counts twice, one row lacks its division.
_UCLA = replace(_UCLA_CORRECTED, size=(*_UCLA_BONES[:3], (2, 3), *_UCLA_BONES[3:]), undivided=(25,))
