# SPDX-License-Identifier: Apache-2.0
"""Skeleton layouts by name."""

from bonefide.errors import UnknownNameError
from bonefide.layouts.coco17 import COCO17
from bonefide.layouts.layout import SkeletonLayout
from bonefide.layouts.ntu25 import NTU25, NTU25_PYSKL
from bonefide.layouts.ucla20 import UCLA20
from bonefide.layouts.utd20 import UTD20

__all__ = ["SkeletonLayout", "layout", "names"]

_LAYOUTS = {each.name: each for each in (NTU25, NTU25_PYSKL, UCLA20, UTD20, COCO17)}


def layout(name: str) -> SkeletonLayout:
    """The layout of that name.

    Raises:
        UnknownNameError: if there is none.

    Example:
        >>> layout("ucla20").joints[layout("ucla20").root]
        'shoulder_center'
    """
    if name not in _LAYOUTS:
        raise UnknownNameError("layouts", name, _LAYOUTS)
    return _LAYOUTS[name]


def names() -> tuple[str, ...]:
    """Names of all layouts."""
    return tuple(sorted(_LAYOUTS))
