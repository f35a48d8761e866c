# SPDX-License-Identifier: Apache-2.0
"""Moving stick figures as GIF."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from bonefide.visualization.skeleton import Stage, draw_strip

__all__ = ["render_gif"]

_SHORTEST = 20
"""Milliseconds a frame; browsers slow down what is faster."""


def render_gif(stage: Stage, frames: Sequence[int], *, size: int, fps: float) -> bytes:
    """A GIF that repeats, as long as the recording whatever the number of frames.

    Args:
        stage: the sequence.
        frames: which, 0-based.
        size: height in pixels.
        fps: frames per second of the recording.
    """
    pictures = _pictures(stage, frames, size)
    palette = _palette(pictures)
    # Anti-aliased lines on white have few colours; one palette for all frames keeps them from flickering.
    paletted = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    _whiten(paletted)
    duration = max(_SHORTEST, round(1000 * stage.frames / fps / len(frames)))
    stream = io.BytesIO()
    paletted[0].save(
        stream, format="GIF", save_all=True, append_images=paletted[1:], duration=duration, loop=0, optimize=False
    )
    return stream.getvalue()


def _pictures(stage: Stage, frames: Sequence[int], size: int) -> list[Image.Image]:
    figure = draw_strip(stage, frames[:1], size=size, numbered=False)
    axes, pictures = figure.axes[0], []
    for frame in frames:
        for drawn in list(axes.collections):
            drawn.remove()
        stage.draw(axes, frame, size=size)
        pictures.append(_picture(figure.canvas))
    return pictures


def _picture(canvas: Any) -> Image.Image:
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])


def _palette(pictures: Sequence[Image.Image]) -> Image.Image:
    few = [pictures[place] for place in np.linspace(0, len(pictures) - 1, min(6, len(pictures))).astype(int)]
    together = np.concatenate([np.asarray(picture) for picture in few])
    return Image.fromarray(together).quantize(colors=128)


def _whiten(paletted: Sequence[Image.Image]) -> None:
    """Give the paper, which fills the corner, its white back; the palette holds averages."""
    for picture in paletted:
        colors = np.array(picture.getpalette()).reshape(-1, 3)
        colors[np.asarray(picture)[0, 0]] = 255
        picture.putpalette(colors.reshape(-1).tolist())
