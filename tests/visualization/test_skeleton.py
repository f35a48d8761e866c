# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from bonefide.errors import ShapeError
from bonefide.layouts import layout
from bonefide.visualization.skeleton import Stage, chosen_frames, draw_strip


def test_frames_are_spread_evenly_with_both_ends() -> None:
    assert chosen_frames(100, 5) == [0, 25, 50, 74, 99]
    assert chosen_frames(3, 8) == [0, 1, 2]
    with pytest.raises(ShapeError, match="at least one frame"):
        chosen_frames(10, 0)


def test_every_frame_is_drawn_in_the_window_of_the_whole_sequence() -> None:
    joints = np.random.default_rng(0).normal(size=(1, 6, 20, 3))
    stage = Stage.of(joints, layout("ucla20"))
    figure = draw_strip(stage, [0, 5], size=100)
    limits = {(axes.get_xlim(), axes.get_ylim()) for axes in figure.axes}
    assert len(limits) == 1
    ((left, right), (bottom, top)) = next(iter(limits))
    inside = (stage.points > (left, bottom)) & (stage.points < (right, top))
    assert inside.all(axis=-1).mean() > 0.97
    for axes in figure.axes:
        assert axes.get_aspect() == 1
        assert len(axes.collections[0].get_segments()) == len(layout("ucla20").edges())


def test_a_bone_with_an_absent_end_is_left_out() -> None:
    joints = np.random.default_rng(0).normal(size=(1, 1, 20, 3))
    head = layout("ucla20").joints.index("head")
    joints[0, 0, head] = 0
    figure = draw_strip(Stage.of(joints, layout("ucla20")), [0], size=100)
    lost = sum(head in edge for edge in layout("ucla20").edges())
    assert len(figure.axes[0].collections[0].get_segments()) == len(layout("ucla20").edges()) - lost


def test_an_empty_sequence_has_no_window() -> None:
    with pytest.raises(ShapeError, match="nothing to draw"):
        Stage.of(np.zeros((1, 2, 20, 3)), layout("ucla20"))
