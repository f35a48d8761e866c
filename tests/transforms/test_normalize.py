# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from bonefide.errors import UnknownNameError
from bonefide.transforms.normalize import Normalize

GENERATOR = np.random.default_rng(0)
CLIP = GENERATOR.normal(size=(3, 6, 20, 2)) + 4


def test_box_reaches_both_walls_on_every_axis() -> None:
    boxed = Normalize("box")(CLIP, GENERATOR)
    np.testing.assert_allclose(boxed.min(axis=(1, 2, 3)), -1, atol=1e-12)
    np.testing.assert_allclose(boxed.max(axis=(1, 2, 3)), 1, atol=1e-12)


def test_standard_has_mean_zero_and_deviation_one() -> None:
    standard = Normalize("standard")(CLIP, GENERATOR)
    np.testing.assert_allclose(standard.mean(axis=(1, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(standard.std(axis=(1, 2, 3)), 1, atol=1e-12)


@pytest.mark.parametrize("kind", ["box", "standard"])
def test_undoes_shift_and_scale_of_each_axis(kind: str) -> None:
    normalize = Normalize(kind)
    factor, shift = np.array([2.0, 0.5, 3.0]), np.array([1.0, -20.0, 0.3])
    moved = CLIP * factor[:, None, None, None] + shift[:, None, None, None]
    np.testing.assert_allclose(normalize(moved, GENERATOR), normalize(CLIP, GENERATOR), atol=1e-10)


@pytest.mark.parametrize("kind", ["box", "standard"])
def test_absent_persons_and_frames_count_for_nothing(kind: str) -> None:
    padded = np.zeros((3, 9, 20, 2))
    padded[:, :6, :, :1] = CLIP[..., :1]
    normalized = Normalize(kind)(padded, GENERATOR)
    np.testing.assert_allclose(normalized[:, :6, :, :1], Normalize(kind)(CLIP[..., :1], GENERATOR), atol=1e-12)
    assert not normalized[:, 6:].any()
    assert not normalized[..., 1].any()


@pytest.mark.parametrize("kind", ["box", "standard"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_axis_without_range_becomes_zero(kind: str, dtype: type) -> None:
    flat = CLIP.astype(dtype)
    flat[2] = 0.1
    normalized = Normalize(kind)(flat, GENERATOR)
    assert not normalized[2].any()
    assert normalized[:2].any()


@pytest.mark.parametrize("kind", ["box", "standard"])
def test_nobody_stays_nobody(kind: str) -> None:
    assert not Normalize(kind)(np.zeros((3, 4, 20, 1)), GENERATOR).any()


def test_refuses_another_kind() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'box'"):
        Normalize("bux")
