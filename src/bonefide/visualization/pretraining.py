# SPDX-License-Identifier: Apache-2.0
"""What a pre-training sees: which joints are prime, which tokens are hidden, what is predicted of them, attention."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bonefide.errors import ShapeError
from bonefide.layouts import SkeletonLayout
from bonefide.types import Array
from bonefide.visualization.skeleton import Stage, chosen_frames, draw_strip

__all__ = ["draw_attention", "draw_hidden", "draw_prime"]

_PRIME, _HIDDEN, _GUESS = "#d6212e", "#b9bcc2", "#1c9c63"
_MAP = "YlOrRd"
_INK = "#5a6069"


def draw_prime(joints: Array, scores: Array, layout: SkeletonLayout, *, frames: int = 8, size: int = 320) -> bytes:
    """Draw a moving skeleton, with a red disc on each joint that grows with its score.

    Args:
        joints: coordinates of the sequence.
        scores: of its joints at times that cover it evenly, 0 to 1.
        layout: of the joints.
        frames: at most so many are drawn.
        size: height of a frame in pixels, at least 32.

    Shape:
        joints: (M, T, V, C).
        scores: (M, T', V).

    Returns:
        A PNG.

    Raises:
        ShapeError: if they do not fit each other or the layout, nobody is there, or a number is too small.

    Example:
        >>> from bonefide.layouts import layout
        >>> walk = np.random.default_rng(0).normal(size=(1, 12, 20, 3))
        >>> draw_prime(walk, np.ones((1, 3, 20)), layout("ucla20"), frames=2, size=64)[1:4]
        b'PNG'
    """
    _check(size, joints, scores.shape)
    stage = Stage.of(joints, layout)
    chosen = chosen_frames(stage.frames, frames)
    figure = draw_strip(stage, chosen, size=size)
    of_frames = _of_frames(scores, stage.frames)
    for axes, frame in zip(figure.axes, chosen, strict=True):
        for points, score in zip(stage.points[:, frame], of_frames[:, frame], strict=True):
            seen = ~np.isnan(points).any(axis=1) & (score > 0)
            area = np.square(size / 24 * score[seen])
            axes.scatter(points[seen, 0], points[seen, 1], s=area, c=_PRIME, alpha=0.65, linewidths=0, zorder=3)
    return _png(figure)


def draw_hidden(
    joints: Array,
    hidden: Array,
    layout: SkeletonLayout,
    *,
    guess: Array | None = None,
    frames: int = 8,
    size: int = 320,
) -> bytes:
    """Draw a moving skeleton whose hidden joints are grey; and below, in green, where they are predicted to be.

    Args:
        joints: coordinates of the sequence.
        hidden: which of its joints are hidden, at times that cover it evenly.
        layout: of the joints.
        guess: coordinates of all joints as they are predicted; of visible ones they are not drawn. None draws none.
        frames: at most so many are drawn.
        size: height of a frame in pixels, at least 32.

    Shape:
        joints: (M, T, V, C).
        hidden: (M, T', V) bool.
        guess: (M, T, V, C).

    Returns:
        A PNG.

    Raises:
        ShapeError: if they do not fit each other or the layout, nobody is there, or a number is too small.

    Example:
        >>> from bonefide.layouts import layout
        >>> walk = np.random.default_rng(0).normal(size=(1, 12, 20, 3))
        >>> draw_hidden(walk, walk[:, ::4, :, 0] > 0, layout("ucla20"), frames=2, size=64)[1:4]
        b'PNG'
    """
    _check(size, joints, hidden.shape)
    if guess is not None and guess.shape != joints.shape:
        raise ShapeError(f"a guess has the joints' shape {joints.shape}, got {guess.shape}")
    if guess is not None:
        # Nobody is there to be guessed.
        guess = np.where(joints.any(axis=-1, keepdims=True), guess, 0)
    # One after the other, so that both are turned and framed alike; side by side they would be two persons.
    both = Stage.of(joints if guess is None else np.concatenate([joints, guess], axis=1), layout)
    length = joints.shape[1]
    stage = Stage(both.points[:, :length], layout, both.window)
    chosen = chosen_frames(stage.frames, frames)
    figure = draw_strip(stage, chosen, size=size)
    of_frames = _of_frames(hidden.astype(np.float64), stage.frames) >= 0.5
    for axes, frame in zip(figure.axes, chosen, strict=True):
        _veil(axes, stage.points[:, frame], of_frames[:, frame], _HIDDEN, size)
        if guess is not None:
            _veil(axes, both.points[:, length + frame], of_frames[:, frame], _GUESS, size / 2)
    return _png(figure)


def draw_attention(joints: Array, shares: Array, layout: SkeletonLayout, *, frames: int = 8, size: int = 320) -> bytes:
    """Draw a moving skeleton whose joints are the darker, from yellow to red, the more attention they get.

    A bar in the corner says what the lightest and the darkest colour stand for: the least and the most that any joint
    of a person who is there ever gets, in the sequence.

    Args:
        joints: coordinates of the sequence.
        shares: of its joints at times that cover it evenly, such as multiples of an even share.
        layout: of the joints.
        frames: at most so many are drawn.
        size: height of a frame in pixels, at least 32.

    Shape:
        joints: (M, T, V, C).
        shares: (M, T', V).

    Returns:
        A PNG.

    Raises:
        ShapeError: if they do not fit each other or the layout, nobody is there, or a number is too small.

    Example:
        >>> from bonefide.layouts import layout
        >>> walk = np.random.default_rng(0).normal(size=(1, 12, 20, 3))
        >>> draw_attention(walk, np.ones((1, 3, 20)), layout("ucla20"), frames=2, size=64)[1:4]
        b'PNG'
    """
    _check(size, joints, shares.shape)
    stage = Stage.of(joints, layout)
    chosen = chosen_frames(stage.frames, frames)
    figure = draw_strip(stage, chosen, size=size)
    of_frames = _of_frames(shares, stage.frames)
    there = np.logical_not(np.isnan(stage.points).any(axis=-1))
    least, most = float(of_frames[there].min()), float(of_frames[there].max())
    for axes, frame in zip(figure.axes, chosen, strict=True):
        points, seen = stage.points[:, frame], there[:, frame]
        axes.scatter(
            points[seen, 0],
            points[seen, 1],
            s=(size / 32) ** 2,
            c=of_frames[:, frame][seen],
            cmap=_MAP,
            vmin=least,
            vmax=most,
            edgecolors=_INK,
            linewidths=size / 800,
            zorder=3,
        )
    _add_bar(figure, least, most)
    return _png(figure)


def _add_bar(figure: Figure, least: float, most: float) -> None:
    """From the least to the most, in the upper left corner."""
    width, height = figure.get_size_inches() * figure.dpi
    bar = figure.add_axes((34 / width, 1 - 14 / height, 60 / width, 8 / height))
    bar.imshow(np.linspace(0, 1, 60)[np.newaxis], cmap=_MAP, aspect="auto")
    bar.set_axis_off()
    for place, value, side in ((30, least, "right"), (98, most, "left")):
        figure.text(place / width, 1 - 10 / height, f"{value:.2f}", ha=side, va="center", color=_INK, fontsize=7)


def _veil(axes: Axes, points: Array, chosen: Array, color: str, size: float) -> None:
    seen = chosen & ~np.isnan(points).any(axis=-1)
    axes.scatter(points[seen][:, 0], points[seen][:, 1], s=(size / 40) ** 2, c=color, linewidths=0, zorder=3)


def _of_frames(values: Array, frames: int) -> Array:
    """Values (M, T', V) at times that cover `frames` evenly, each for its frames."""
    return values[:, np.arange(frames) * values.shape[1] // frames]


def _check(size: int, joints: Array, shape: Sequence[int]) -> None:
    if size < 32:
        raise ShapeError(f"size is the height of a frame in pixels, at least 32, got {size}")
    persons, frames, places = joints.shape[:3]
    if len(shape) != 3 or (shape[0], shape[2]) != (persons, places) or not 1 <= shape[1] <= frames:
        raise ShapeError(f"joints {joints.shape} need values (M, T', V) with T' from 1 to T, got {tuple(shape)}")


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()
