# SPDX-License-Identifier: Apache-2.0
"""A sequence as a picture or an animation: `draw(sequence, "ntu25").save("drink.gif")`."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from bonefide.errors import OutputError, ShapeError
from bonefide.layouts import SkeletonLayout
from bonefide.layouts import layout as layout_of
from bonefide.types import SkeletonSequence
from bonefide.visualization.animation import render_gif
from bonefide.visualization.skeleton import Stage, chosen_frames, draw_strip
from bonefide.writing import write_file

__all__ = ["Drawing", "draw"]

_STRIP, _ANIMATION = 8, 150


@dataclass(frozen=True, eq=False)
class Drawing:
    """A sequence, ready to be drawn.

    Args:
        stage: the sequence, turned to the viewer.
        frames: at most so many are drawn; None for 8 in a picture and 150 in an animation.
        size: height of a frame in pixels, at least 32.
        fps: frames per second of the recording, above 0.

    Raises:
        ShapeError: if frames, size or fps are out of range.
    """

    stage: Stage
    frames: int | None = None
    size: int = 320
    fps: float = 30.0

    def __post_init__(self) -> None:
        if self.frames is not None and self.frames < 1:
            raise ShapeError(f"at least one frame must be drawn, got {self.frames}")
        if not 32 <= self.size <= 4096:
            raise ShapeError(f"size is the height of a frame in pixels, 32 to 4096, got {self.size}")
        if not self.fps > 0:
            raise ShapeError(f"fps are the frames per second of the recording, above 0, got {self.fps}")

    def save(self, path: str | Path) -> Path:
        """Write a strip of frames (`.png`) or an animation (`.gif`), all or nothing.

        Raises:
            OutputError: if the name ends otherwise, or the place cannot be written.
        """
        file = Path(path)
        suffix = file.suffix.lower()
        if suffix not in {".gif", ".png"}:
            raise OutputError(f"{file}: cannot draw '{suffix}'; the name must end in .gif (moving) or .png (frames)")
        wanted = self.frames or (_STRIP if suffix == ".png" else _ANIMATION)
        frames = chosen_frames(self.stage.frames, wanted)
        if suffix == ".gif":
            content = render_gif(self.stage, frames, size=self.size, fps=self.fps)
        else:
            stream = io.BytesIO()
            draw_strip(self.stage, frames, size=self.size).savefig(stream, format="png")
            content = stream.getvalue()
        write_file(file, content)
        return file


def draw(
    sequence: SkeletonSequence,
    layout: SkeletonLayout | str,
    *,
    frames: int | None = None,
    size: int = 320,
    fps: float = 30.0,
) -> Drawing:
    """Draw a sequence, seen from the front wherever its camera stood.

    Left limbs are darker than right ones; a second person has another colour.

    Args:
        sequence: to draw.
        layout: of its joints, `store.layout`, or the name of one.
        frames: at most so many are drawn; None for 8 in a picture and 150 in an animation.
        size: height of a frame in pixels, 32 to 4096.
        fps: frames per second of the recording, above 0.

    Returns:
        Something with `.save(path)`.

    Raises:
        UnknownNameError: if there is no such layout.
        ShapeError: if the sequence does not fit it or is empty, or an option is out of range.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> wave = SkeletonSequence("wave", 0, np.random.default_rng(0).normal(size=(1, 12, 17, 2)))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     draw(wave, "coco17", frames=2, size=64).save(f"{folder}/wave.png").name
        'wave.png'
    """
    known = layout_of(layout) if isinstance(layout, str) else layout
    return Drawing(Stage.of(sequence.joints, known), frames, size, fps)
