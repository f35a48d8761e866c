# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from bonefide.errors import ShapeError, UnknownNameError
from bonefide.transforms.center import Center

GENERATOR = np.random.default_rng(0)
CLIP = GENERATOR.normal(size=(3, 6, 20, 2))


def test_first_puts_one_joint_of_one_frame_at_the_origin_and_keeps_all_differences() -> None:
    centered = Center(1)(CLIP, GENERATOR)
    np.testing.assert_array_equal(centered[:, 0, 1, 0], 0)
    np.testing.assert_allclose(centered - centered[:, 3:4, 2:3, 1:], CLIP - CLIP[:, 3:4, 2:3, 1:], atol=1e-12)


def test_first_leaves_empty_frames_and_persons_empty() -> None:
    clip = CLIP.copy()
    clip[:, 4] = 0
    clip[:, :, :, 1] = 0
    centered = Center(1)(clip, GENERATOR)
    assert not centered[:, 4].any()
    assert not centered[..., 1].any()
    assert centered[:, 5, :, 0].any()


def test_each_centers_every_person_and_frame() -> None:
    centered = Center(2, frame="each")(CLIP, GENERATOR)
    np.testing.assert_array_equal(centered[:, :, 2], 0)
    np.testing.assert_array_equal(centered[:, :, 5], CLIP[:, :, 5] - CLIP[:, :, 2])


def test_the_joint_may_keep_its_coordinates() -> None:
    kept = Center(2, frame="each", keep_joint=True)(CLIP, GENERATOR)
    np.testing.assert_array_equal(kept[:, :, 2], CLIP[:, :, 2])
    np.testing.assert_array_equal(kept[:, :, 3:], Center(2, frame="each")(CLIP, GENERATOR)[:, :, 3:])


def test_all_may_have_the_origin_of_the_first_absent_ones_too() -> None:
    clip = CLIP.copy()
    clip[:, 2:, :, 1] = 0
    centered = Center(2, frame="each", of_first=True)(clip, GENERATOR)
    np.testing.assert_array_equal(centered, clip - clip[:, :, 2, None, :1])
    np.testing.assert_array_equal(centered[:, 3, 7, 1], -clip[:, 3, 2, 0])
    np.testing.assert_array_equal(centered[:, :, 2, 0], 0)


def test_refuses_what_cannot_be() -> None:
    with pytest.raises(ShapeError, match="joint 20 of a clip with 20 joints"):
        Center(20)(CLIP, GENERATOR)
    with pytest.raises(ShapeError, match="at least 0, got -1"):
        Center(-1)
    with pytest.raises(ShapeError, match="needs frame='each'"):
        Center(1, keep_joint=True)
    for options in ({}, {"frame": "each", "keep_joint": True}):
        with pytest.raises(ShapeError, match="of_first needs frame='each' and no keep_joint"):
            Center(1, of_first=True, **options)
    with pytest.raises(UnknownNameError, match="did you mean 'first'"):
        Center(1, frame="frist")
