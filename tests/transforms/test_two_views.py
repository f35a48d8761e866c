# SPDX-License-Identifier: Apache-2.0
"""The augmentations of contrastive learning, and the views they make."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bonefide.errors import ShapeError
from bonefide.layouts import layout
from bonefide.transforms import Compose
from bonefide.transforms.axis_mask import AxisMask
from bonefide.transforms.joint_noise import JointNoise
from bonefide.transforms.modality import Modality
from bonefide.transforms.padded_crop import PaddedCrop
from bonefide.transforms.random_axis_rotation import RandomAxisRotation
from bonefide.transforms.random_flip import RandomFlip
from bonefide.transforms.random_shear import RandomShear
from bonefide.transforms.time_blur import TimeBlur
from bonefide.transforms.two_views import TwoViews

UCLA = layout("ucla20")
CLIP = np.random.default_rng(0).normal(size=(3, 48, 20, 2))


def fresh(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_mild_views_are_the_same_moments_slanted_each_for_itself() -> None:
    first, second, _ = TwoViews(layout=UCLA).views(CLIP, fresh())
    assert not np.allclose(first, second)
    # Both are linear maps of one and the same cut, hence of each other.
    found, residual, *_ = np.linalg.lstsq(first.reshape(3, -1).T, second.reshape(3, -1).T, rcond=None)
    assert residual.max() < 1e-20
    assert not np.allclose(found, np.eye(3))


def test_the_strong_view_is_of_the_first() -> None:
    plain = TwoViews(layout=UCLA, strong=False).views(CLIP, fresh())
    views = TwoViews(layout=UCLA).views(CLIP, fresh())
    assert (len(plain), len(views)) == (2, 3)
    np.testing.assert_array_equal(plain, views[:2])
    away = [np.abs(TwoViews(layout=UCLA).views(CLIP, fresh(seed))[2] - views[0]).mean() for seed in range(4)]
    assert len(set(away)) == 4
    assert TwoViews(layout=UCLA)(CLIP, fresh()).tolist() == views[0].tolist()


def test_without_strength_mild_views_are_the_clip() -> None:
    first, second, strong = TwoViews(0, strength=0, layout=UCLA).views(CLIP, fresh())
    np.testing.assert_array_equal(first, CLIP)
    np.testing.assert_array_equal(second, CLIP)
    assert not np.allclose(strong, CLIP)


def test_what_follows_in_a_chain_does_the_same_to_all_views() -> None:
    views, bones = TwoViews(0, strength=0.3, layout=UCLA), Modality("bone", layout=UCLA)
    found = Compose([views, bones]).views(CLIP, fresh())
    for bone, joint in zip(found, views.views(CLIP, fresh()), strict=True):
        np.testing.assert_array_equal(bone, bones(joint, fresh()))
    same = Compose([TwoViews(0, strength=0, layout=UCLA, strong=False), RandomShear()]).views(CLIP, fresh())
    np.testing.assert_array_equal(*same)
    assert Compose([bones]).views(CLIP, fresh())[0].tolist() == bones(CLIP, fresh()).tolist()


def test_a_cut_is_a_piece_of_the_mirrored_clip() -> None:
    crop = PaddedCrop(6)
    starts = {crop.draw(CLIP, fresh(seed)) for seed in range(200)}
    assert starts == set(range(17)), "an eighth more at either end"
    np.testing.assert_array_equal(crop.apply(CLIP, 8), CLIP)
    np.testing.assert_array_equal(crop.apply(CLIP, 3)[:, 5:], CLIP[:, :43])
    np.testing.assert_array_equal(crop.apply(CLIP, 3)[:, :5], CLIP[:, 5:0:-1])


def test_a_shear_keeps_the_diagonal_and_reaches_its_strength() -> None:
    matrices = np.stack([RandomShear(0.2).draw(CLIP, fresh(seed)) for seed in range(200)])
    assert (matrices[:, range(3), range(3)] == 1).all()
    beside = matrices[:, ~np.eye(3, dtype=bool)]
    assert 0.19 < beside.max() <= 0.2
    assert -0.2 <= beside.min() < -0.19


def test_rotation_is_mostly_about_one_axis_and_any() -> None:
    angles = np.array([RandomAxisRotation().draw(CLIP, fresh(seed)) for seed in range(300)])
    assert angles.min() >= 0
    assert (angles.max(axis=0) > 0.5).all()
    assert (np.sort(angles, axis=1)[:, :2] <= math.pi / 180).all()
    assert (np.array([RandomAxisRotation(1, aside=0).draw(CLIP, fresh(seed)) for seed in range(9)]) > 0).sum() == 9


def test_noise_is_as_large_as_it_is_said() -> None:
    moved = JointNoise(0.3)(CLIP, fresh()) - CLIP
    assert moved.std() == pytest.approx(0.3, rel=0.05)
    alone = CLIP.copy()
    alone[:, 40:, :, 0] = 0
    assert not JointNoise(0.3)(alone, fresh())[:, 40:, :, 0].any()


def test_blur_keeps_what_does_not_move_and_calms_what_does() -> None:
    still = np.broadcast_to(CLIP[:, :1], CLIP.shape)
    np.testing.assert_allclose(TimeBlur().apply(still, 1.5), still, atol=1e-12)
    assert TimeBlur().apply(CLIP, 1.5).std() < 0.6 * CLIP.std()
    drawn = [TimeBlur().draw(CLIP, fresh(seed)) for seed in range(300)]
    assert 0.4 < np.mean(np.equal(drawn, 0)) < 0.6
    assert 0.1 <= min(filter(None, drawn)) < max(drawn) <= 2


def test_an_axis_is_hidden_or_none() -> None:
    drawn = [AxisMask().draw(CLIP, fresh(seed)) for seed in range(300)]
    assert set(drawn) == {-1, 0, 1, 2}
    assert 0.4 < np.mean(np.equal(drawn, -1)) < 0.6
    hidden = AxisMask().apply(CLIP, 2)
    assert not hidden[2].any()
    np.testing.assert_array_equal(hidden[:2], CLIP[:2])


def test_joints_may_be_exchanged_without_a_mirror() -> None:
    swapped = RandomFlip(1, layout=UCLA, swap_only=True)(CLIP, fresh())
    np.testing.assert_array_equal(swapped, CLIP[:, :, list(UCLA.mirror)])


def test_refuses_what_cannot_be() -> None:
    for make, told in (
        (lambda: PaddedCrop(-1), "ratio must be at least 0, got -1"),
        (lambda: RandomShear(-1), "strength must be at least 0"),
        (lambda: TwoViews(-1, layout=UCLA), "ratio must be"),
        (lambda: TwoViews(strength=-1, layout=UCLA), "strength must be"),
        (lambda: RandomAxisRotation(-1), "angles must be at least 0 radians, got -1"),
        (lambda: RandomAxisRotation(aside=-1), "angles must be at least 0 radians"),
        (lambda: JointNoise(-1), "deviation must be at least 0"),
        (lambda: TimeBlur(2), "from 0 to 1, got 2"),
        (lambda: TimeBlur(widths=(2, 1)), "smallest and the largest"),
        (lambda: TimeBlur(window=4), "odd number of frames, got 4"),
        (lambda: AxisMask(-0.5), "from 0 to 1"),
        (lambda: RandomShear()(CLIP[:2], fresh()), "2 coordinates a joint, but 3 are needed"),
    ):
        with pytest.raises(ShapeError, match=told):
            make()
