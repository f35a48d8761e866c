# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bonefide.descriptors import describe
from bonefide.errors import OutputError, ShapeError
from bonefide.layouts import layout
from bonefide.types import Array, SkeletonSequence
from bonefide.visualization.descriptors import draw_descriptors

UCLA = layout("ucla20")
WALK = SkeletonSequence("walk", 0, np.random.default_rng(0).normal(size=(1, 9, 20, 3)))


def pixels(path: Path) -> Array:
    with Image.open(path) as opened:
        return np.asarray(opened.convert("RGB"))


@pytest.mark.parametrize(("frames", "size"), [(1, 32), (8, 320)])
def test_all_five_images_stand_in_the_picture(tmp_path: Path, frames: int, size: int) -> None:
    picture = pixels(draw_descriptors(WALK, UCLA, tmp_path / "walk.png", frames=frames, size=size))
    images = describe(("gd", "jdd", "add", "lad", "fdd"), [WALK.joints], UCLA)
    side, gap = 168, 12
    left = (picture.shape[1] - 5 * (side + gap) - gap) / 2 + gap
    shown = (np.arange(side) * 112) // side
    for place, image in enumerate(each[0] for each in images.values()):
        start = round(left + place * (side + gap))
        part = picture[-gap - side : -gap, start : start + side].astype(int)
        expected = image[shown][:, shown].astype(int)
        expected = expected if expected.ndim == 3 else np.repeat(expected[..., None], 3, axis=2)
        inner = np.abs(part - expected)[4:-4, 4:-4]
        # Half a pixel of the drawing may go to either neighbour.
        assert np.median(inner) <= 2
        assert np.corrcoef(part.ravel(), expected.ravel())[0, 1] > 0.95


def test_the_strip_keeps_its_shape(tmp_path: Path) -> None:
    wide = pixels(draw_descriptors(WALK, UCLA, tmp_path / "wide.png", frames=8, size=320))
    narrow = pixels(draw_descriptors(WALK, UCLA, tmp_path / "narrow.png", frames=1, size=64))
    assert narrow.shape[1] == 5 * 180 + 12
    assert wide.shape[1] > narrow.shape[1]
    assert (narrow[:80, :300] == 255).all(), "the strip stands in the middle"
    assert (narrow[:80] != 255).any()


def test_what_cannot_be_drawn(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"is a \.png"):
        draw_descriptors(WALK, UCLA, tmp_path / "walk.gif")
    with pytest.raises(ShapeError, match="at least 32, got 8"):
        draw_descriptors(WALK, UCLA, tmp_path / "walk.png", size=8)
    with pytest.raises(ShapeError, match="at least one frame"):
        draw_descriptors(WALK, UCLA, tmp_path / "walk.png", frames=0)
    with pytest.raises(ShapeError):
        draw_descriptors(WALK, layout("ntu25"), tmp_path / "walk.png")
    assert not list(tmp_path.iterdir())
