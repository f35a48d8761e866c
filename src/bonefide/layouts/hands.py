# SPDX-License-Identifier: Apache-2.0
"""The tree with both ends of a hand on the hand, as Hyperformer and BlockGCN draw their graphs."""

from __future__ import annotations

from dataclasses import replace

from bonefide.layouts.anatomy import points
from bonefide.layouts.layout import SkeletonLayout

__all__ = ["flat_hands"]

_ENDS = ("hand_tip", "thumb")


def flat_hands(layout: SkeletonLayout) -> SkeletonLayout:
    """The same joints, but tips and thumbs are joined to the hand of their side, not to each other.

    The bones of NTU RGB+D hang the tip of a hand on its thumb; two papers keep these bones as their stream, but measure
    distances in the graph from hands whose ends are neighbours. Layouts without a hand joint, or whose hands are so
    already, come back as they are.

    Args:
        layout: any.

    Example:
        >>> from bonefide.layouts import layout
        >>> int(layout("ntu25").hops().max()), int(flat_hands(layout("ntu25")).hops().max())
        (12, 11)
        >>> flat_hands(layout("coco17")) is layout("coco17")
        True
    """
    found = points(layout)
    parents = list(layout.parents)
    for side in ("left", "right"):
        if f"{side}_hand" in found:
            for end in (f"{side}_{end}" for end in _ENDS if f"{side}_{end}" in found):
                parents[found.index(end)] = found.index(f"{side}_hand")
    return layout if tuple(parents) == layout.parents else replace(layout, parents=tuple(parents))
