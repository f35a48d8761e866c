# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bonefide.errors import OutputError, ShapeError
from bonefide.visualization.confusion import draw_confusion


def shades(file: Path) -> np.ndarray:
    pixels = np.asarray(Image.open(file).convert("RGB")).astype(int)
    return pixels[..., 0] - pixels[..., 2]


def test_right_is_blue_and_wrong_is_red(tmp_path: Path) -> None:
    right = draw_confusion(np.diag([3, 4]), ["sit", "stand"], tmp_path / "right.png", size=200)
    wrong = draw_confusion(np.array([[0, 3], [4, 0]]), ["sit", "stand"], tmp_path / "wrong.png", size=200)
    assert Image.open(right).size == (200, 200)
    assert shades(right).min() < -100
    assert shades(right).max() < 20
    assert shades(wrong).max() > 100
    assert shades(wrong).min() > -20


def test_a_rare_confusion_can_be_seen_among_120_classes(tmp_path: Path) -> None:
    matrix = 200 * np.eye(120, dtype=int)
    matrix[3, 90] = 4
    file = draw_confusion(matrix, [f"class {number}" for number in range(120)], tmp_path / "many.png")
    assert (shades(file) > 20).sum() >= 9


def test_what_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match=r"shape \(2, 2\)"):
        draw_confusion(np.eye(3), ["sit", "stand"], tmp_path / "x.png")
    with pytest.raises(ShapeError, match="0 classes"):
        draw_confusion(np.zeros((0, 0)), [], tmp_path / "x.png")
    with pytest.raises(ShapeError, match="at least 100"):
        draw_confusion(np.eye(2), ["sit", "stand"], tmp_path / "x.png", size=20)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot write .*choose a place"):
        draw_confusion(np.eye(2), ["sit", "stand"], tmp_path / "file" / "x.png")
