# SPDX-License-Identifier: Apache-2.0
"""Stick figures of one frame or several, of one person or several, by matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from bonefide.errors import ShapeError
from bonefide.layouts import SkeletonLayout
from bonefide.layouts.view import front_view, sides
from bonefide.types import Array

__all__ = ["Stage", "chosen_frames", "draw_strip"]

_DPI = 100
_YAW = 0.4
"""A little from the side, in radians, so that reaching forward can be seen."""
# Middle, left, right of each person; left limbs are the darker ones.
_TONES = (("#2f70ba", "#123f75", "#5f9be0"), ("#bd5f16", "#7a3203", "#eb9a52"))
_INK, _RULE = "#5a6069", "#dcdcd5"


@dataclass(frozen=True, eq=False)
class Stage:
    """A sequence turned to the viewer, with the window in which all of it is seen.

    Args:
        points: x to the right and y up; absent joints are NaN.
        layout: of the joints.
        window: left, right, bottom, top.

    Shape:
        points: (M, T, V, 2).
    """

    points: Array
    layout: SkeletonLayout
    window: tuple[float, float, float, float]

    @classmethod
    def of(cls, joints: Array, layout: SkeletonLayout) -> Stage:
        """Turn a sequence of coordinates (M, T, V, C).

        Raises:
            ShapeError: if it does not fit the layout, or no joint is present.
        """
        turned = front_view(np.asarray(joints, dtype=np.float64), layout)
        yaw = _YAW if joints.shape[-1] > 2 else 0.0
        x = turned[..., 0] * np.cos(yaw) + turned[..., 2] * np.sin(yaw)
        points = np.stack([x, turned[..., 1]], axis=-1)
        present = points[~np.isnan(points).any(axis=-1)]
        if not len(present):
            raise ShapeError("nothing to draw: every joint of the sequence is zero, that is absent")
        (left, bottom), (right, top) = np.percentile(present, (0.5, 99.5), axis=0)
        edge = 0.08 * max(right - left, top - bottom, 0.1)
        return cls(points, layout, (left - edge, right + edge, bottom - edge, top + edge))

    @property
    def frames(self) -> int:
        """Number of frames T."""
        return int(self.points.shape[1])

    @property
    def aspect(self) -> float:
        """Width of the window over its height, kept between a narrow and a broad picture."""
        left, right, bottom, top = self.window
        return float(np.clip((right - left) / (top - bottom), 0.45, 2.2))

    def prepare(self, axes: Axes) -> None:
        """Set the window and draw the ground."""
        left, right, bottom, top = self.window
        axes.axhline(bottom + 0.03 * (top - bottom), color=_RULE, linewidth=1, zorder=0)
        axes.set(xlim=(left, right), ylim=(bottom, top), aspect="equal", autoscale_on=False)
        axes.set_axis_off()

    def draw(self, axes: Axes, frame: int, *, size: int) -> None:
        """Draw the persons of one frame.

        Args:
            axes: where; prepared.
            frame: 0-based.
            size: height of the picture in pixels.
        """
        side, thickness = sides(self.layout), size / 130
        for person, joints in enumerate(self.points[:, frame]):
            tones = _TONES[person % len(_TONES)]
            seen = [(c, p) for c, p in self.layout.edges() if not np.isnan(joints[[c, p]]).any()]
            colors = [tones[side[child] or side[parent]] for child, parent in seen]
            bones = LineCollection([joints[[c, p]] for c, p in seen], colors=colors, linewidths=thickness, zorder=1)
            bones.set_capstyle("round")
            axes.add_collection(bones, autolim=False)
            sizes = [(6.0 if name == "head" else 1.9) * thickness for name in self.layout.joints]
            present = ~np.isnan(joints).any(axis=1)
            axes.scatter(
                joints[present, 0],
                joints[present, 1],
                s=np.square(np.array(sizes)[present] * 0.75),
                c=np.array([tones[each] for each in side])[present],
                linewidths=0,
                zorder=2,
            )


def chosen_frames(frames: int, wanted: int) -> list[int]:
    """At most so many frames, evenly spread from the first to the last; the middle one if only one is wanted.

    Raises:
        ShapeError: if fewer than one is wanted.

    Example:
        >>> chosen_frames(10, 4), chosen_frames(10, 1), chosen_frames(2, 5)
        ([0, 3, 6, 9], [4], [0, 1])
    """
    if wanted < 1:
        raise ShapeError(f"at least one frame must be drawn, got {wanted}")
    if wanted == 1:
        return [(frames - 1) // 2]
    places = np.linspace(0, frames - 1, min(frames, wanted))
    return [int(place) for place in np.unique(places.round())]


def draw_strip(stage: Stage, frames: Sequence[int], *, size: int, numbered: bool = True) -> Figure:
    """Frames side by side, all in the same window.

    Args:
        stage: the sequence.
        frames: which, 0-based.
        size: height of a frame in pixels.
        numbered: whether to write the number of each frame below it.
    """
    caption = 18 if numbered else 0
    width = max(1, round(size * stage.aspect))
    figure = Figure(figsize=(width * len(frames) / _DPI, (size + caption) / _DPI), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    for place, frame in enumerate(frames):
        bottom = caption / (size + caption)
        axes = figure.add_axes((place / len(frames), bottom, 1 / len(frames), 1 - bottom))
        stage.prepare(axes)
        stage.draw(axes, frame, size=size)
        if numbered:
            center = (place + 0.5) / len(frames)
            figure.text(center, 6 / (size + caption), str(frame), ha="center", va="bottom", color=_INK, fontsize=7)
    return figure
