# SPDX-License-Identifier: Apache-2.0
"""What a pre-training sees: which joints are prime, which tokens are hidden, and what is predicted of them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bonefide.errors import OutputError, ShapeError
from bonefide.layouts import SkeletonLayout
from bonefide.types import Array
from bonefide.visualization.skeleton import Stage, chosen_frames, draw_strip
from bonefide.writing import write_file

__all__ = ["draw_hidden", "draw_prime"]

_PRIME, _HIDDEN, _GUESS = "#d6212e", "#b9bcc2", "#1c9c63"
_DPI = 100


def draw_prime(
    joints: Array, scores: Array, layout: SkeletonLayout, path: str | Path, *, frames: int = 8, size: int = 320
) -> Path:
    """Draw a moving skeleton, with a red disc on each joint that grows with its score.

    Args:
        joints: coordinates of the sequence.
        scores: of its joints at times that cover it evenly, 0 to 1.
        layout: of the joints.
        path: of the PNG.
        frames: at most so many are drawn.
        size: height of a frame in pixels, at least 32.

    Shape:
        joints: (M, T, V, C).
        scores: (M, T', V).

    Raises:
        ShapeError: if they do not fit each other or the layout, nobody is there, or a number is too small.
        OutputError: if the name does not end in .png, or the place cannot be written.

    Example:
        >>> import tempfile
        >>> from bonefide.layouts import layout
        >>> walk = np.random.default_rng(0).normal(size=(1, 12, 20, 3))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = draw_prime(walk, np.ones((1, 3, 20)), layout("ucla20"), f"{folder}/a.png", frames=2, size=64)
        ...     file.name
        'a.png'
    """
    _check(path, size, joints, scores.shape)
    stage = Stage.of(joints, layout)
    chosen = chosen_frames(stage.frames, frames)
    figure = draw_strip(stage, chosen, size=size)
    of_frames = _of_frames(scores, stage.frames)
    for axes, frame in zip(figure.axes, chosen, strict=True):
        for points, score in zip(stage.points[:, frame], of_frames[:, frame], strict=True):
            seen = ~np.isnan(points).any(axis=1) & (score > 0)
            area = np.square(size / 24 * score[seen])
            axes.scatter(points[seen, 0], points[seen, 1], s=area, c=_PRIME, alpha=0.65, linewidths=0, zorder=3)
    return _saved(figure, path)


def draw_hidden(
    joints: Array,
    hidden: Array,
    layout: SkeletonLayout,
    path: str | Path,
    *,
    guess: Array | None = None,
    frames: int = 8,
    size: int = 320,
) -> Path:
    """Draw a moving skeleton whose hidden joints are grey; and below, in green, where they are predicted to be.

    Args:
        joints: coordinates of the sequence.
        hidden: which of its joints are hidden, at times that cover it evenly.
        layout: of the joints.
        path: of the PNG.
        guess: coordinates of all joints as they are predicted; of visible ones they are not drawn. None draws none.
        frames: at most so many are drawn.
        size: height of a frame in pixels, at least 32.

    Shape:
        joints: (M, T, V, C).
        hidden: (M, T', V) bool.
        guess: (M, T, V, C).

    Raises:
        ShapeError: if they do not fit each other or the layout, nobody is there, or a number is too small.
        OutputError: if the name does not end in .png, or the place cannot be written.

    Example:
        >>> import tempfile
        >>> from bonefide.layouts import layout
        >>> walk = np.random.default_rng(0).normal(size=(1, 12, 20, 3))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = draw_hidden(walk, walk[:, ::4, :, 0] > 0, layout("ucla20"), f"{folder}/a.png", frames=2, size=64)
        ...     file.name
        'a.png'
    """
    _check(path, size, joints, hidden.shape)
    if guess is not None and guess.shape != joints.shape:
        raise ShapeError(f"a guess has the joints' shape {joints.shape}, got {guess.shape}")
    if guess is not None:
        # Nobody is there to be guessed.
        guess = np.where(joints.any(axis=-1, keepdims=True), guess, 0)
    # Together, so that both are turned and framed alike.
    both = Stage.of(joints if guess is None else np.concatenate([joints, guess]), layout)
    persons = len(joints)
    stage = Stage(both.points[:persons], layout, both.window)
    chosen = chosen_frames(stage.frames, frames)
    figure = draw_strip(stage, chosen, size=size)
    of_frames = _of_frames(hidden.astype(np.float64), stage.frames) >= 0.5
    for axes, frame in zip(figure.axes, chosen, strict=True):
        _veil(axes, stage.points[:, frame], of_frames[:, frame], _HIDDEN, size)
        if guess is not None:
            _veil(axes, both.points[persons:, frame], of_frames[:, frame], _GUESS, size / 2)
    return _saved(figure, path)


def _veil(axes: Axes, points: Array, chosen: Array, color: str, size: float) -> None:
    seen = chosen & ~np.isnan(points).any(axis=-1)
    axes.scatter(points[seen][:, 0], points[seen][:, 1], s=(size / 40) ** 2, c=color, linewidths=0, zorder=3)


def _of_frames(values: Array, frames: int) -> Array:
    """Values (M, T', V) at times that cover `frames` evenly, each for its frames."""
    return values[:, np.arange(frames) * values.shape[1] // frames]


def _check(path: str | Path, size: int, joints: Array, shape: Sequence[int]) -> None:
    if Path(path).suffix.lower() != ".png":
        raise OutputError(f"{path}: what a pre-training sees is drawn as a .png")
    if size < 32:
        raise ShapeError(f"size is the height of a frame in pixels, at least 32, got {size}")
    persons, frames, places = joints.shape[:3]
    if len(shape) != 3 or (shape[0], shape[2]) != (persons, places) or not 1 <= shape[1] <= frames:
        raise ShapeError(f"joints {joints.shape} need values (M, T', V) with T' from 1 to T, got {tuple(shape)}")


def _saved(figure: Figure, path: str | Path) -> Path:
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    write_file(Path(path), stream.getvalue())
    return Path(path)
