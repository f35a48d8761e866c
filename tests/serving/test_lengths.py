# SPDX-License-Identifier: Apache-2.0
"""Lengths are asked of the encoder."""

from __future__ import annotations

import pytest

from bonefide.errors import ShapeError
from bonefide.serving.lengths import LONGEST, Lengths, lengths


class _Encoder:
    out_channels, needs_joints, map_axis = 4, False, "joint"

    def __init__(self, step: int, *, only: int = 0) -> None:
        self.step, self.only = step, only

    def map_size(self, frames: int) -> tuple[int, int, int]:
        if frames % self.step or (self.only and frames != self.only):
            raise ShapeError("no")
        return 4, -(-frames // 4), 20


@pytest.mark.parametrize(
    ("encoder", "frames", "found"),
    [
        (_Encoder(1), 64, Lengths(5, 1)),
        (_Encoder(1), 3, Lengths(3, 1)),
        (_Encoder(4), 64, Lengths(8, 4)),
        (_Encoder(1, only=52), 52, Lengths(52, 0)),
    ],
    ids=["any", "any short", "multiples", "one"],
)
def test_what_the_encoder_takes(encoder: _Encoder, frames: int, found: Lengths) -> None:
    assert lengths(encoder, frames) == found  # type: ignore[arg-type]
    assert all(each in found for each in found.some(frames))
    assert found.some(frames)[0] == frames
    assert LONGEST + 4 not in found


def test_some_differ() -> None:
    assert Lengths(5, 1).some(64) == (64, 5, 31, 65)
    assert Lengths(8, 4).some(64) == (64, 8, 28, 68)
    assert 3 not in Lengths(5, 1)
    assert Lengths(5, 1).described == "any number of frames, at least 5"
    assert Lengths(52, 0).described == "52 frames only"
