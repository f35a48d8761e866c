# SPDX-License-Identifier: Apache-2.0
"""A grouping of the joints into parts of the body: by name, or one that every layout has."""

from __future__ import annotations

from bonefide.errors import ShapeError, UnknownNameError
from bonefide.layouts.layout import SkeletonLayout

__all__ = ["Parts", "body_parts"]

Parts = tuple[tuple[int, ...], ...]

_LIMBS = "limbs5"


def body_parts(layout: SkeletonLayout, name: str | None = None, *, preferred: str = "") -> Parts:
    """Parts that hold every joint once.

    Without a name: the grouping `preferred`, if the layout has it. Otherwise left and right limbs together: of the
    grouping `limbs5` (trunk, arms, legs), or, where a layout has none, of what its tree falls into without the joints
    in the middle of the body, which are a part too. A layout that knows no left and right falls into the branches that
    leave its root, and the root.

    Args:
        layout: any.
        name: of a grouping of the layout, or None.
        preferred: of the grouping to take without a name.

    Raises:
        UnknownNameError: if the layout has no grouping of that name.
        ShapeError: if a part is empty, or a joint is in no part or in two.

    Example:
        >>> from bonefide.layouts import layout
        >>> body_parts(layout("utd20"))[0], len(body_parts(layout("utd20"))), len(body_parts(layout("utd20"), "limbs5"))
        ((0, 1, 2, 3), 3, 5)
    """
    if name is None:
        name = preferred if preferred in layout.parts else None
    elif name not in layout.parts:
        raise UnknownNameError(f"groupings of the joints of {layout.name}", name, layout.parts)
    parts = _paired(layout) if name is None else layout.parts[name]
    if not all(parts) or sorted(joint for part in parts for joint in part) != list(range(len(layout.joints))):
        raise ShapeError(
            f"layout {layout.name}: the parts '{name or _LIMBS}' must hold every joint once, and at least one each"
        )
    return parts


def _paired(layout: SkeletonLayout) -> Parts:
    """Parts and their mirror images together, in order of their first joints."""
    if all(twin == joint for joint, twin in enumerate(layout.mirror)):
        return _pieces(layout, {layout.root})
    middle = {joint for joint, twin in enumerate(layout.mirror) if twin == joint}
    parts = [set(part) for part in layout.parts.get(_LIMBS) or _pieces(layout, middle)]
    pairs = {tuple(sorted(part.union(*(each for each in parts if each & _mirrored(layout, part))))) for part in parts}
    return tuple(sorted(pairs))


def _mirrored(layout: SkeletonLayout, part: set[int]) -> set[int]:
    return {layout.mirror[joint] for joint in part}


def _pieces(layout: SkeletonLayout, removed: set[int]) -> Parts:
    """What the tree falls into without some joints, and these."""
    hops = layout.hops()
    left = [joint for joint in range(len(layout.joints)) if joint not in removed]
    pieces: list[set[int]] = []
    for joint in left:
        touched = [piece for piece in pieces if any(hops[joint, other] == 1 for other in piece)]
        pieces = [piece for piece in pieces if piece not in touched] + [{joint}.union(*touched)]
    return tuple(sorted(tuple(sorted(piece)) for piece in (*pieces, removed) if piece))
