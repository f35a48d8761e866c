# SPDX-License-Identifier: Apache-2.0
"""A confusion matrix as a picture."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bonefide.errors import ShapeError
from bonefide.types import Array
from bonefide.writing import write_file

__all__ = ["draw_confusion"]

_DPI = 100
_RIGHT, _WRONG, _EMPTY = np.array([31, 95, 168]) / 255, np.array([196, 72, 20]) / 255, np.array([238, 238, 234]) / 255


def draw_confusion(matrix: Array, classes: Sequence[str], path: str | Path, *, size: int = 900) -> Path:
    """Draw counts of true against predicted classes, right ones in blue and wrong ones in red.

    The shade is the square root of a cell's share of its true class, so that rare confusions can be seen. Up to 60
    classes are named, up to 20 have their counts written.

    Args:
        matrix: counts; rows are true classes.
        classes: their names.
        path: of the PNG.
        size: width and height in pixels, at least 100.

    Shape:
        matrix: (K, K).

    Raises:
        ShapeError: if matrix and classes do not fit, or the size is too small.
        OutputError: if the place cannot be written.
    """
    count = len(classes)
    if matrix.shape != (count, count) or count == 0:
        raise ShapeError(f"a confusion matrix of {count} classes has the shape ({count}, {count}), got {matrix.shape}")
    if size < 100:
        raise ShapeError(f"size is the width in pixels, at least 100, got {size}")
    figure = Figure(figsize=(size / _DPI, size / _DPI), dpi=_DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(_colors(shares), interpolation="nearest")
    if count <= 60:
        letters = min(10.0, 0.45 * size / count)
        axes.set_xticks(range(count), classes, rotation=90, fontsize=letters)
        axes.set_yticks(range(count), classes, fontsize=letters)
    if count <= 20:
        for row, column in np.argwhere(matrix):
            color = "white" if shares[row, column] > 0.35 else "black"
            axes.text(column, row, str(int(matrix[row, column])), ha="center", va="center", color=color, fontsize=9)
    axes.set(xlabel="predicted", ylabel="true")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    write_file(Path(path), stream.getvalue())
    return Path(path)


def _colors(shares: Array) -> Array:
    strength = np.where(shares > 0, 0.12 + 0.88 * np.sqrt(shares), 0)[..., None]
    hue = np.where(np.eye(len(shares), dtype=bool)[..., None], _RIGHT, _WRONG)
    return np.asarray(_EMPTY * (1 - strength) + hue * strength)
