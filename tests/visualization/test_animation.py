# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import io

import numpy as np
from PIL import Image

from bonefide.layouts import layout
from bonefide.visualization.animation import render_gif
from bonefide.visualization.skeleton import Stage


def test_no_frame_is_shorter_than_browsers_show_and_the_paper_is_white() -> None:
    joints = np.random.default_rng(0).normal(size=(2, 4, 20, 3))
    stage = Stage.of(joints, layout("ucla20"))
    picture = Image.open(io.BytesIO(render_gif(stage, range(4), size=80, fps=1000)))
    assert picture.info["duration"] == 20
    for frame in range(4):
        picture.seek(frame)
        pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3)
        values, counts = np.unique(pixels, axis=0, return_counts=True)
        assert values[counts.argmax()].tolist() == [255, 255, 255]


def test_only_the_frames_asked_for_are_drawn_each_by_itself() -> None:
    joints = np.random.default_rng(0).normal(size=(1, 9, 20, 3))
    stage = Stage.of(joints, layout("ucla20"))
    both = Image.open(io.BytesIO(render_gif(stage, [0, 8], size=80, fps=30)))
    alone = Image.open(io.BytesIO(render_gif(stage, [8, 0], size=80, fps=30)))
    both.seek(1)
    dark = [np.asarray(picture.convert("L")) < 160 for picture in (both, alone)]
    assert (dark[0] == dark[1]).mean() > 0.995, "nothing of the first frame is left in the second"
