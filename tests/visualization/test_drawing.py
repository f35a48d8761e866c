# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bonefide.errors import OutputError, ShapeError, UnknownNameError
from bonefide.layouts import layout
from bonefide.types import SkeletonSequence
from bonefide.visualization.drawing import draw

BLUE, ORANGE = (0x2F, 0x70, 0xBA), (0xBD, 0x5F, 0x16)


def sequence(persons: int = 1, frames: int = 10, *, seed: int = 0) -> SkeletonSequence:
    generator = np.random.default_rng(seed)
    still = generator.normal(size=(persons, 1, 17, 3)) + 3 * np.arange(persons)[:, None, None, None]
    moving = np.linspace(0, 2, frames)[None, :, None, None]
    return SkeletonSequence("wave", 0, still + moving * generator.normal(size=(persons, 1, 17, 3)))


def has(picture: Image.Image, color: tuple[int, int, int]) -> bool:
    pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3).astype(int)
    return bool((np.abs(pixels - color).max(axis=1) < 12).any())


def test_a_picture_shows_frames_side_by_side(tmp_path: Path) -> None:
    one = Image.open(draw(sequence(), "coco17", frames=1, size=100).save(tmp_path / "one.png"))
    four = Image.open(draw(sequence(), "coco17", frames=4, size=100).save(tmp_path / "four.png"))
    assert four.height == one.height
    assert abs(four.width - 4 * one.width) <= 4
    assert np.asarray(one.convert("L")).min() < 128


def test_an_animation_has_the_frames_and_the_length_of_the_recording(tmp_path: Path) -> None:
    whole = Image.open(draw(sequence(), layout("coco17"), size=64, fps=20).save(tmp_path / "whole.gif"))
    assert (whole.n_frames, whole.info["duration"], whole.info["loop"]) == (10, 50, 0)
    thinned = Image.open(draw(sequence(), "coco17", size=64, fps=20, frames=5).save(tmp_path / "thinned.gif"))
    assert (thinned.n_frames, thinned.info["duration"]) == (5, 100)
    whole.seek(0)
    first = np.asarray(whole.convert("RGB")).copy()
    whole.seek(9)
    assert (first != np.asarray(whole.convert("RGB"))).any(), "it moves"
    assert first[0, 0].tolist() == [255, 255, 255]


def test_persons_have_different_colours(tmp_path: Path) -> None:
    alone = Image.open(draw(sequence(1), "coco17", frames=1, size=200).save(tmp_path / "one.png"))
    both = Image.open(draw(sequence(2), "coco17", frames=1, size=200).save(tmp_path / "two.png"))
    assert has(alone, BLUE)
    assert not has(alone, ORANGE)
    assert has(both, BLUE)
    assert has(both, ORANGE)


def test_left_limbs_are_darker(tmp_path: Path) -> None:
    joints = np.zeros((1, 1, 17, 3))
    # Only one elbow and wrist: the left one at first, then the right one.
    for left, name in ((True, "left"), (False, "right")):
        joints[:] = 0
        joints[0, 0, [7, 9] if left else [8, 10]] = [[0.1, 0.1, 1], [0.9, 0.9, 1]]
        draw(SkeletonSequence("x", 0, joints.copy()), "coco17", size=100).save(tmp_path / f"{name}.png")
    assert has(Image.open(tmp_path / "left.png"), (0x12, 0x3F, 0x75))
    assert has(Image.open(tmp_path / "right.png"), (0x5F, 0x9B, 0xE0))
    assert not has(Image.open(tmp_path / "right.png"), (0x12, 0x3F, 0x75))


def test_up_is_up_and_axes_are_equal(tmp_path: Path) -> None:
    # A left bone of length 1 that stands, and a right one of length 1 that lies below it.
    joints = np.zeros((1, 1, 17, 2))
    joints[0, 0, [5, 7]] = [[1.0, 3.0], [1.0, 2.0]]
    joints[0, 0, [8, 10]] = [[2.0, 1.0], [3.0, 1.0]]
    picture = Image.open(draw(SkeletonSequence("x", 0, joints), "coco17", size=400).save(tmp_path / "up.png"))
    pixels = np.asarray(picture.convert("RGB")).astype(int)
    standing = np.argwhere(np.abs(pixels - (0x12, 0x3F, 0x75)).max(axis=2) < 12)
    lying = np.argwhere(np.abs(pixels - (0x5F, 0x9B, 0xE0)).max(axis=2) < 12)
    assert standing[:, 0].max() < lying[:, 0].min()
    assert np.ptp(standing[:, 0]) == pytest.approx(np.ptp(lying[:, 1]), rel=0.06)


def test_absent_persons_and_frames_are_not_drawn(tmp_path: Path) -> None:
    joints = np.concatenate([sequence().joints, np.zeros((1, 10, 17, 3))])
    joints[0, 4] = 0
    alone = Image.open(draw(SkeletonSequence("x", 0, joints), "coco17", size=100).save(tmp_path / "x.png"))
    assert not has(alone, ORANGE)


@pytest.mark.parametrize("name", ["x.jpg", "x", "x.mp4"])
def test_other_kinds_of_file_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match=r"must end in \.gif \(moving\) or \.png"):
        draw(sequence(), "coco17").save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_drawn(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'coco17'"):
        draw(sequence(), "coco71")
    with pytest.raises(ShapeError, match="layout ntu25"):
        draw(sequence(), "ntu25")
    with pytest.raises(ShapeError, match="every joint of the sequence is zero"):
        draw(SkeletonSequence("x", 0, np.zeros((1, 3, 17, 3))), "coco17")
    with pytest.raises(ShapeError, match="at least one frame"):
        draw(sequence(), "coco17", frames=0)
    with pytest.raises(ShapeError, match="32 to 4096, got 10"):
        draw(sequence(), "coco17", size=10)
    with pytest.raises(ShapeError, match="fps"):
        draw(sequence(), "coco17", fps=0)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot write .*choose a place"):
        draw(sequence(), "coco17", size=32, frames=1).save(tmp_path / "file" / "x.png")
