# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bonefide.data.synthetic.perform import perform
from bonefide.errors import OutputError, ShapeError
from bonefide.layouts import layout
from bonefide.types import SkeletonSequence
from bonefide.visualization.gallery import draw_gallery

NTU = layout("ntu25")


def _sequence(action: str) -> SkeletonSequence:
    return SkeletonSequence(action, 0, perform(action))


def _ink(picture: Image.Image, box: tuple[int, int, int, int]) -> int:
    return int((np.asarray(picture.convert("L").crop(box)) < 200).sum())


def test_every_sequence_has_its_place(tmp_path: Path) -> None:
    empty = SkeletonSequence("empty", 0, np.zeros((1, 4, 25, 3)))
    shown = {
        "wave": _sequence("wave"),
        "hug": _sequence("hug"),
        "empty": empty,
        "bow": _sequence("bow"),
        "x": _sequence("clap"),
    }
    picture = Image.open(draw_gallery(shown, NTU, tmp_path / "all.png", size=100))
    assert picture.size == (4 * 3 * 100, 2 * 118)
    below = [_ink(picture, (300 * column, 22, 300 * (column + 1), 110)) for column in range(4)]
    assert all(below[column] > 300 for column in (0, 1, 3))
    assert below[2] == 0
    titles = [_ink(picture, (300 * column, 0, 300 * (column + 1), 17)) for column in range(4)]
    assert all(each > 10 for each in titles)
    assert _ink(picture, (300, 130, 1200, 236)) == 0, "the second row has one"


def test_what_cannot_be_drawn(tmp_path: Path) -> None:
    shown = {"wave": _sequence("wave")}
    with pytest.raises(OutputError, match=r"a \.png"):
        draw_gallery(shown, NTU, tmp_path / "all.gif")
    with pytest.raises(ShapeError, match="needs a sequence"):
        draw_gallery({}, NTU, tmp_path / "all.png")
    with pytest.raises(ShapeError, match="32 pixels"):
        draw_gallery(shown, NTU, tmp_path / "all.png", size=8)
    with pytest.raises(ShapeError, match="ucla20"):
        draw_gallery(shown, layout("ucla20"), tmp_path / "all.png")
