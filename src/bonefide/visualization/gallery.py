# SPDX-License-Identifier: Apache-2.0
"""Several sequences in one picture, each as a few frames."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bonefide.errors import OutputError, ShapeError
from bonefide.layouts import SkeletonLayout
from bonefide.types import SkeletonSequence
from bonefide.visualization.skeleton import Stage, chosen_frames
from bonefide.writing import write_file

__all__ = ["draw_gallery"]

_DPI = 100
_COLUMNS, _FRAMES = 4, 3
_CAPTION = 18
_INK = "#5a6069"


def draw_gallery(
    sequences: Mapping[str, SkeletonSequence], layout: SkeletonLayout, path: str | Path, *, size: int = 120
) -> Path:
    """Draw three frames of each sequence, four sequences a row, with their titles.

    Sequences in which nobody is seen keep their place, empty.

    Args:
        sequences: by what is written above them; at least one.
        layout: of their joints.
        path: of the PNG.
        size: height of a frame in pixels, at least 32.

    Raises:
        ShapeError: if there is nothing to draw, the size is too small, or a sequence does not fit the layout.
        OutputError: if the name does not end in .png, or the place cannot be written.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from bonefide.layouts import layout
        >>> wave = SkeletonSequence("wave", 0, np.random.default_rng(0).normal(size=(1, 12, 17, 2)))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     draw_gallery({"wave": wave}, layout("coco17"), f"{folder}/all.png", size=64).name
        'all.png'
    """
    file = Path(path)
    if file.suffix.lower() != ".png":
        raise OutputError(f"{file}: a picture of several sequences is a .png")
    if not sequences or size < 32:
        raise ShapeError(f"a gallery needs a sequence and 32 pixels a frame at least, got {len(sequences)} and {size}")
    columns = min(_COLUMNS, len(sequences))
    rows = -(-len(sequences) // columns)
    figure = Figure(
        figsize=(columns * _FRAMES * size / _DPI, rows * (size + _CAPTION) / _DPI), dpi=_DPI, facecolor="white"
    )
    FigureCanvasAgg(figure)
    for place, (title, sequence) in enumerate(sequences.items()):
        row, column = divmod(place, columns)
        top = 1 - row / rows
        height = size / (size + _CAPTION) / rows
        middle = (column + 0.5) / columns
        figure.text(middle, top - 4 / (rows * (size + _CAPTION)), title, ha="center", va="top", color=_INK, fontsize=8)
        if sequence.joints.any():
            _draw(
                figure, Stage.of(sequence.joints, layout), (column / columns, top - 1 / rows, 1 / columns, height), size
            )
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    write_file(file, stream.getvalue())
    return file


def _draw(figure: Figure, stage: Stage, box: tuple[float, float, float, float], size: int) -> None:
    """A few frames side by side within a box: left, bottom, width, height, as shares of the figure."""
    left, bottom, width, height = box
    for place, frame in enumerate(chosen_frames(stage.frames, _FRAMES)):
        axes = figure.add_axes((left + place * width / _FRAMES, bottom, width / _FRAMES, height))
        stage.prepare(axes)
        stage.draw(axes, frame, size=size)
