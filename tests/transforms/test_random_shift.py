# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np

from bonefide.transforms.random_shift import RandomShift

GENERATOR = np.random.default_rng(0)


def test_the_span_moves_whole_with_its_inner_gaps_and_every_place_occurs() -> None:
    clip = np.zeros((3, 10, 20, 2))
    clip[:, [2, 3, 6], :, 0] = GENERATOR.normal(size=(3, 3, 20))
    shifted = RandomShift().apply(clip, 5)
    np.testing.assert_array_equal(shifted[:, 5:], clip[:, 2:7])
    assert not shifted[:, :5].any()
    assert {RandomShift().draw(clip, GENERATOR) for _ in range(100)} == {0, 1, 2, 3, 4, 5}


def test_a_full_clip_stays() -> None:
    clip = GENERATOR.normal(size=(3, 10, 20, 2))
    np.testing.assert_array_equal(RandomShift()(clip, GENERATOR), clip)


def test_nobody_stays_nobody() -> None:
    assert not RandomShift()(np.zeros((3, 10, 20, 2)), GENERATOR).any()
