# SPDX-License-Identifier: Apache-2.0
"""A sequence beside its images of descriptors, in one picture."""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bonefide.descriptors import describe
from bonefide.errors import OutputError, ShapeError
from bonefide.layouts import SkeletonLayout
from bonefide.types import Array, SkeletonSequence
from bonefide.visualization.skeleton import Stage, chosen_frames, draw_strip
from bonefide.writing import write_file

__all__ = ["draw_descriptors"]

_TITLES = {
    "gd": "GD: smoothed coordinates",
    "jdd": "JDD: distances in a frame",
    "add": "ADD: distances between frames",
    "lad": "LAD: angles",
    "fdd": "FDD: JDD, ADD, LAD",
}
_DPI = 100
_SIDE, _GAP, _CAPTION = 168, 12, 20
_INK = "#5a6069"


def draw_descriptors(
    sequence: SkeletonSequence,
    layout: SkeletonLayout,
    path: str | Path,
    *,
    corrected: bool = False,
    frames: int = 8,
    size: int = 320,
) -> Path:
    """Draw frames of a sequence, and below them its images: rows are joints, pairs or angles, time runs to the right.

    Args:
        sequence: coordinates in metres.
        layout: of its joints.
        path: of the PNG.
        corrected: draw the images without the mistakes of the official code.
        frames: at most so many are drawn.
        size: height of a frame in pixels, at least 32.

    Raises:
        ShapeError: if the sequence does not fit the layout or is empty, or a number is too small.
        OutputError: if the name does not end in .png, or the place cannot be written.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from bonefide.layouts import layout
        >>> wave = SkeletonSequence("wave", 0, np.random.default_rng(0).normal(size=(1, 12, 20, 3)))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     draw_descriptors(wave, layout("ucla20"), f"{folder}/wave.png", frames=2, size=64).name
        'wave.png'
    """
    file = Path(path)
    if file.suffix.lower() != ".png":
        raise OutputError(f"{file}: a picture of a sequence and its images is a .png")
    if size < 32:
        raise ShapeError(f"size is the height of a frame in pixels, at least 32, got {size}")
    stage = Stage.of(sequence.joints, layout)
    images = describe(tuple(_TITLES), [sequence.joints], layout, corrected=corrected)
    figure = draw_strip(stage, chosen_frames(stage.frames, frames), size=size)
    places = _make_room(figure)
    for axes, (name, image) in zip(places, images.items(), strict=True):
        _show(axes, image[0], _TITLES[name])
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    write_file(file, stream.getvalue())
    return file


def _make_room(figure: Figure) -> list[Axes]:
    """Widen a strip to the images' width, put it above, and give the axes of the images below."""
    strip_width, strip_height = (round(side * _DPI) for side in figure.get_size_inches())
    images_width = len(_TITLES) * (_SIDE + _GAP) + _GAP
    width, height = max(strip_width, images_width), strip_height + _SIDE + _CAPTION + _GAP
    left, low = (width - strip_width) / 2, height - strip_height
    figure.set_size_inches(width / _DPI, height / _DPI)
    for axes in figure.axes:
        box = axes.get_position()
        axes.set_position(
            (
                (left + box.x0 * strip_width) / width,
                (low + box.y0 * strip_height) / height,
                box.width * strip_width / width,
                box.height * strip_height / height,
            )
        )
    for text in figure.texts:
        x, y = text.get_position()
        text.set_position(((left + x * strip_width) / width, (low + y * strip_height) / height))
    start = (width - images_width) / 2 + _GAP
    lefts = [start + place * (_SIDE + _GAP) for place in range(len(_TITLES))]
    return [figure.add_axes((left / width, _GAP / height, _SIDE / width, _SIDE / height)) for left in lefts]


def _show(axes: Axes, image: Array, title: str) -> None:
    axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="auto")
    axes.set_title(title, color=_INK, fontsize=7, pad=4)
    axes.set_axis_off()
