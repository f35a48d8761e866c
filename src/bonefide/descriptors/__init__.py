# SPDX-License-Identifier: Apache-2.0
"""Skeleton sequences as small images: five descriptors that networks for images can see, in plain NumPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bonefide.descriptors._joined import BODIES, joined
from bonefide.descriptors.add import add
from bonefide.descriptors.center import center
from bonefide.descriptors.fdd import fdd
from bonefide.descriptors.gd import gd
from bonefide.descriptors.image import image
from bonefide.descriptors.jdd import jdd
from bonefide.descriptors.lad import lad
from bonefide.errors import ShapeError, UnknownNameError
from bonefide.layouts.layout import SkeletonLayout
from bonefide.types import Array

__all__ = ["describe", "names"]

_COMPUTED = {"gd": gd, "jdd": jdd, "add": add, "lad": lad}
_COLOURS = ("jdd", "add", "lad")
_FRAMES_AT_ONCE = 1024
"""More do not stay in the caches of a processor."""


def names() -> tuple[str, ...]:
    """Names of the descriptors."""
    return (*_COMPUTED, "fdd")


def describe(
    names: Sequence[str],
    sequences: Sequence[Array],
    layout: SkeletonLayout,
    *,
    corrected: bool = False,
    size: int = 112,
) -> dict[str, Array]:
    """Images of sequences, which are centred before; a sequence has the same images alone and among others.

    Args:
        names: of descriptors, some of `names()`.
        sequences: coordinates in metres; their lengths and numbers of bodies may differ.
        layout: of all of them.
        corrected: without the oddities of the official code, which the functions of each descriptor name.
        size: height and width of images in pixels; published is 112.

    Returns:
        Name to the images, in the order asked for.

    Shape:
        sequences: (M, T, V, C) each, C = 2 or 3; bodies after the second are left out; absent ones are zeros.
        returned: (N, size, size) uint8 for jdd, add and lad, (N, size, size, 3) in the order red, green, blue for gd
            and fdd.

    Raises:
        UnknownNameError: if there is no such descriptor.
        ShapeError: if a sequence does not fit the layout, a descriptor cannot be had of this layout, or the size is
            below 1.
        DataError: if a coordinate is not finite.

    Example:
        >>> from bonefide.layouts import layout
        >>> sequences = [np.random.default_rng(0).normal(size=(bodies, 30, 25, 3)) for bodies in (1, 2)]
        >>> images = describe(["jdd", "fdd"], sequences, layout("ntu25"))
        >>> images["jdd"].shape, images["fdd"].shape, (images["fdd"][..., 0] == images["jdd"]).all()
        ((2, 112, 112), (2, 112, 112, 3), np.True_)
    """
    for name in names:
        if name not in {*_COMPUTED, "fdd"}:
            raise UnknownNameError("descriptors", name, {*_COMPUTED, "fdd"})
    if size < 1:
        raise ShapeError(f"the size of images must be at least 1, got {size}")
    coloured = {"gd", "fdd"}
    images = {
        name: np.empty((len(sequences), size, size, *([3] if name in coloured else [])), np.uint8) for name in names
    }
    for rows in _together(sequences):
        part = _images(set(names), [sequences[row] for row in rows], layout, corrected=corrected, size=size)
        for name, target in images.items():
            target[rows] = part[name]
    return images


def _together(sequences: Sequence[Array]) -> list[list[int]]:
    """Rows that are computed at once: of as many bodies, up to a number of frames."""
    parts: list[list[int]] = []
    filled: dict[int, int] = {}
    open_part: dict[int, list[int]] = {}
    for row, each in enumerate(sequences):
        bodies, frames = (min(each.shape[0], BODIES), each.shape[1]) if each.ndim > 1 else (0, 0)
        if bodies not in open_part or filled[bodies] + frames > _FRAMES_AT_ONCE // max(bodies, 1):
            open_part[bodies], filled[bodies] = [], 0
            parts.append(open_part[bodies])
        open_part[bodies].append(row)
        filled[bodies] += frames
    return parts


def _images(
    names: set[str], sequences: Sequence[Array], layout: SkeletonLayout, *, corrected: bool, size: int
) -> dict[str, Array]:
    joints, lengths = joined(sequences, layout)
    centered = center(joints, layout, lengths=lengths, corrected=corrected)
    images = {}
    for name in sorted(names | set(_COLOURS) if "fdd" in names else names):
        if name in _COMPUTED:
            raw = _COMPUTED[name](centered, layout, lengths=lengths, corrected=corrected)
            columns = lengths - 1 if name == "add" else lengths
            images[name] = image(raw, lengths=columns, size=size, corrected=corrected)
    if "fdd" in names:
        images["fdd"] = fdd(*(images[name] for name in _COLOURS))
    return images
