# SPDX-License-Identifier: Apache-2.0
"""Positions: the sum of a time and a joint; times for clips of another length."""

from __future__ import annotations

import pytest
import torch

from bonefide.errors import ShapeError
from bonefide.layers.position import JointTimePosition, resize_times


def test_times_are_slow_and_joints_fast() -> None:
    position = JointTimePosition(3, 5, 4)
    assert torch.equal(position()[2 * 5 + 4], position.times[2] + position.joints[4])
    assert position().shape == (15, 4)


def test_as_many_times_as_there_are_stay() -> None:
    times = torch.randn(7, 4)
    assert resize_times(times, 7) is times


def test_features_do_not_mix() -> None:
    times = torch.randn(7, 4)
    whole = resize_times(times, 11)
    alone = torch.cat([resize_times(times[:, i : i + 1], 11) for i in range(4)], dim=1)
    torch.testing.assert_close(whole, alone)


def test_what_does_not_change_stays() -> None:
    torch.testing.assert_close(resize_times(torch.full((5, 2), 3.0), 9), torch.full((9, 2), 3.0))


def test_sizes_that_are_none() -> None:
    with pytest.raises(ShapeError, match="at least 1 time, joint and feature, got 0, 5 and 4"):
        JointTimePosition(0, 5, 4)
    with pytest.raises(ShapeError, match="at least 1 time, got 0"):
        resize_times(torch.zeros(3, 2), 0)
