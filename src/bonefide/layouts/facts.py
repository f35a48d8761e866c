# SPDX-License-Identifier: Apache-2.0
"""A layout as plain values, for files that keep one that is not the package's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bonefide.layouts.layout import SkeletonLayout

__all__ = ["layout_facts", "layout_from_facts"]


def layout_facts(layout: SkeletonLayout) -> dict[str, Any]:
    """A layout as values that JSON and YAML can hold; `layout_from_facts` turns them back.

    Example:
        >>> arm = SkeletonLayout("arm", ("hand", "elbow"), (1, 1), (0, 1))
        >>> layout_from_facts(layout_facts(arm)) == arm
        True
    """
    return {
        "name": layout.name,
        "joints": list(layout.joints),
        "parents": list(layout.parents),
        "mirror": list(layout.mirror),
        "parts": {name: [list(part) for part in parts] for name, parts in layout.parts.items()},
        "anatomy": dict(layout.anatomy),
    }


def layout_from_facts(facts: Mapping[str, Any]) -> SkeletonLayout:
    """The layout that `layout_facts` described.

    Raises:
        KeyError, TypeError, ValueError: if a fact is missing or of another type.
        ShapeError: if the facts make no layout.
    """
    return SkeletonLayout(
        str(facts["name"]),
        tuple(str(joint) for joint in facts["joints"]),
        tuple(int(parent) for parent in facts["parents"]),
        tuple(int(twin) for twin in facts["mirror"]),
        {
            str(name): tuple(tuple(int(joint) for joint in part) for part in parts)
            for name, parts in facts["parts"].items()
        },
        {str(joint): str(point) for joint, point in facts.get("anatomy", {}).items()},
    )
