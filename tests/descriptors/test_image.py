# SPDX-License-Identifier: Apache-2.0
"""Levels against the official formula, resizing against Pillow, sequences joined against sequences alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonefide.descriptors._pixels import quantized, resized
from bonefide.descriptors.image import image
from bonefide.errors import ShapeError
from bonefide.types import Array


def _levels(raw: Array, *, corrected: bool = False) -> Array:
    return quantized(raw.copy(), np.array([raw.shape[1]]), corrected=corrected)


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_levels_are_multiplied_first_and_divided_last(seed: int) -> None:
    raw = np.random.default_rng(seed).normal(size=(5, 7))
    low, high = raw.min(), raw.max()
    np.testing.assert_array_equal(_levels(raw), np.floor(255 * (raw - low) / (high - low)).astype(np.uint8))


def test_the_largest_is_sometimes_254_unless_corrected() -> None:
    raws = [np.random.default_rng(seed).normal(size=(5, 7)) for seed in range(200)]
    assert 10 < sum(_levels(raw).max() == 254 for raw in raws) < 60
    for raw in raws:
        ours, corrected = _levels(raw), _levels(raw, corrected=True)
        assert corrected.flat[raw.argmax()] == 255
        assert (np.delete(ours.ravel(), raw.argmax()) == np.delete(corrected.ravel(), raw.argmax())).all()


def test_equal_numbers_are_zeros() -> None:
    for corrected in (False, True):
        assert not _levels(np.full((3, 4), 0.7), corrected=corrected).any()
        assert not _levels(np.zeros((3, 0)), corrected=corrected).any()


def test_what_is_absent_is_zero_and_does_not_count() -> None:
    raw = np.array([[np.nan, 2.0, 4.0], [6.0, np.nan, 7.0]])
    assert _levels(raw, corrected=True).tolist() == [[0, 0, 102], [204, 0, 255]]
    assert not _levels(np.full((2, 3), np.nan), corrected=True).any()


def test_channels_have_their_own_levels() -> None:
    raw = np.random.default_rng(0).normal(size=(4, 6, 3)) * [1, 10, 100]
    expected = np.stack([_levels(raw[..., channel]) for channel in range(3)], axis=-1)
    np.testing.assert_array_equal(_levels(raw), expected)
    np.testing.assert_array_equal(_levels(raw.astype(np.float32)[..., 0]), _levels(raw.astype(np.float32))[..., 0])


@settings(deadline=None)
@given(st.integers(1, 112), st.integers(1, 320), st.sampled_from([1, 3]), st.integers(0, 100))
def test_resizing_is_that_of_pillow(rows: int, columns: int, channels: int, seed: int) -> None:
    pillow = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    generator = np.random.default_rng(seed)
    shape = (rows, columns, 3) if channels == 3 else (rows, columns)
    # Black and white overshoots, so that clipping is tried too.
    levels = [0, 255] if seed % 2 else np.arange(256)
    pixels = generator.choice(levels, shape).astype(np.uint8)
    expected = np.asarray(pillow.fromarray(pixels).resize((112, 112), pillow.Resampling.BICUBIC))
    np.testing.assert_array_equal(resized(pixels, np.array([columns]), 112)[0], expected)


def test_the_published_size_is_left_alone() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (112, 112), dtype=np.uint8)
    np.testing.assert_array_equal(resized(pixels, np.array([112]), 112)[0], pixels)


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=8).filter(any), st.booleans())
def test_joined_sequences_have_the_images_they_have_alone(lengths: list[int], corrected: bool) -> None:
    raw = np.random.default_rng(sum(lengths)).normal(size=(6, sum(lengths), 3))
    raw[2, ::3] = np.nan if corrected else 0
    before = raw.copy()
    together = image(raw, lengths=np.array(lengths), size=16, corrected=corrected)
    alone = [image(part, size=16, corrected=corrected)[0] for part in np.split(raw, np.cumsum(lengths)[:-1], axis=1)]
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(raw, before)


@pytest.mark.parametrize("shape", [(3,), (0, 4), (1, 2, 3, 4)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"needs numbers \(rows, T\)"):
        image(np.zeros(shape))


@pytest.mark.parametrize("lengths", [[], [3], [5, -1]])
def test_lengths_that_do_not_fit_are_refused(lengths: list[int]) -> None:
    with pytest.raises(ShapeError, match="add up to the 4 columns"):
        image(np.zeros((2, 4)), lengths=np.array(lengths, dtype=int))


def test_sizes_below_one_are_refused() -> None:
    with pytest.raises(ShapeError, match="at least 1, got 0"):
        image(np.zeros((2, 4)), size=0)
