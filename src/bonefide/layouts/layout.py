# SPDX-License-Identifier: Apache-2.0
"""What a skeleton is: its joints, the tree that joins them, left and right, parts of the body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bonefide.errors import ShapeError
from bonefide.layouts import graph
from bonefide.layouts.graph import Strategy
from bonefide.types import Array

__all__ = ["SkeletonLayout"]


@dataclass(frozen=True)
class SkeletonLayout:
    """A kinematic tree over named joints; edges, bones, graphs and partitions follow from `parents`.

    Args:
        name: as in `layout(name)`.
        joints: names of the V joints, in the order of the data.
        parents: 0-based parent of every joint; the root is its own parent.
        mirror: for every joint the one it becomes when left and right are swapped.
        parts: named groupings of the joints into body parts.
        anatomy: what joints are whose names do not say it, in the words of `bonefide.layouts.anatomy.POINTS`: what
            conversions to other layouts go by. `{"Bip01 L Foot": "left_ankle"}`.

    Raises:
        ShapeError: if `parents` is not a tree, `mirror` not its own inverse, or a part or `anatomy` names a joint that
            is not there.

    Example:
        >>> arm = SkeletonLayout("arm", ("hand", "elbow", "shoulder"), (1, 2, 2), (0, 1, 2))
        >>> arm.root, arm.edges()
        (2, ((0, 1), (1, 2)))
        >>> arm.hops().tolist()
        [[0, 1, 2], [1, 0, 1], [2, 1, 0]]
    """

    name: str
    joints: tuple[str, ...]
    parents: tuple[int, ...]
    mirror: tuple[int, ...]
    parts: Mapping[str, tuple[tuple[int, ...], ...]] = field(default_factory=dict, compare=False)
    anatomy: Mapping[str, str] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        count = len(self.joints)
        if len(self.parents) != count or len(self.mirror) != count:
            raise ShapeError(f"layout {self.name}: {count} joints need as many parents and mirrored joints")
        roots = [joint for joint, parent in enumerate(self.parents) if joint == parent]
        if len(roots) != 1 or any(self._steps_to_root(joint) is None for joint in range(count)):
            raise ShapeError(f"layout {self.name}: parents must form one tree whose root is its own parent")
        if any(not 0 <= twin < count or self.mirror[twin] != joint for joint, twin in enumerate(self.mirror)):
            raise ShapeError(f"layout {self.name}: mirroring twice must give every joint back")
        if any(not 0 <= joint < count for parts in self.parts.values() for part in parts for joint in part):
            raise ShapeError(f"layout {self.name}: a part names a joint beyond {count - 1}")
        strange = [joint for joint in self.anatomy if joint not in self.joints]
        if strange:
            raise ShapeError(f"layout {self.name}: anatomy tells of '{strange[0]}', which is none of its joints")

    @property
    def root(self) -> int:
        """The joint the tree hangs on, also the centre of the papers' graphs."""
        return next(joint for joint, parent in enumerate(self.parents) if joint == parent)

    def edges(self) -> tuple[tuple[int, int], ...]:
        """Directed bones, child to parent, without the root's own."""
        return tuple((child, parent) for child, parent in enumerate(self.parents) if child != parent)

    def hops(self) -> Array:
        """Length of the shortest path between every two joints, (V, V) int64."""
        return graph.hops(len(self.joints), self.edges())

    def adjacency(self, strategy: Strategy = "spatial", *, max_hop: int = 1) -> Array:
        """A stack of adjacency matrices.

        Args:
            strategy: the paper's way to partition the edges, see `bonefide.layouts.graph.adjacency`.
            max_hop: how far the ST-GCN strategies reach.

        Shape:
            returned: (S, V, V) float64.
        """
        return graph.adjacency(len(self.joints), self.edges(), self.root, strategy, max_hop=max_hop)

    def _steps_to_root(self, joint: int) -> int | None:
        for steps in range(len(self.parents)):
            parent = self.parents[joint]
            if not 0 <= parent < len(self.parents):
                return None
            if parent == joint:
                return steps
            joint = parent
        return None
