# SPDX-License-Identifier: Apache-2.0
"""Skeleton layouts by name, or from a file of one's own."""

from __future__ import annotations

import os
from pathlib import Path

from bonefide.errors import DataError, UnknownNameError
from bonefide.layouts.coco17 import COCO17
from bonefide.layouts.facts import layout_facts, layout_from_facts
from bonefide.layouts.halpe26 import HALPE26
from bonefide.layouts.layout import SkeletonLayout
from bonefide.layouts.mediapipe33 import MEDIAPIPE33
from bonefide.layouts.ntu25 import NTU25, NTU25_PYSKL
from bonefide.layouts.openpose18 import OPENPOSE18
from bonefide.layouts.openpose25 import OPENPOSE25
from bonefide.layouts.ucla20 import UCLA20
from bonefide.layouts.utd20 import UTD20
from bonefide.layouts.yaml_layout import read_layout

__all__ = ["SkeletonLayout", "find", "layout", "layout_facts", "layout_from_facts", "names"]

_SENSORS = (NTU25, NTU25_PYSKL, UCLA20, UTD20)
_ESTIMATORS = (COCO17, OPENPOSE18, OPENPOSE25, HALPE26, MEDIAPIPE33)
_LAYOUTS = {each.name: each for each in (*_SENSORS, *_ESTIMATORS)}
_SUFFIXES = {".yaml", ".yml"}


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


def find(name: str | os.PathLike[str]) -> SkeletonLayout:
    """A layout by its name, or from a YAML file of one's own; see `yaml_layout.read_layout` for its form.

    Args:
        name: of one of the package's layouts, or a path that ends in `.yaml`.

    Raises:
        UnknownNameError: if there is no layout of that name.
        DataError: if the file describes no layout, or another one under the name of one of the package's.

    Example:
        >>> find("utd20").name
        'utd20'
    """
    if isinstance(name, str) and Path(name).suffix not in _SUFFIXES:
        return layout(name)
    found = read_layout(name)
    if found != _LAYOUTS.get(found.name, found):
        raise DataError(f"{os.fspath(name)}: '{found.name}' is the name of one of bonefide's layouts; choose another")
    return found
