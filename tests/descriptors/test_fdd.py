# SPDX-License-Identifier: Apache-2.0
"""FDD puts three images into the colours of one."""

from __future__ import annotations

import numpy as np
import pytest

from bonefide.descriptors.fdd import fdd
from bonefide.errors import ShapeError


def test_the_colours_are_the_images() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 5, 8, 8), dtype=np.uint8)
    ours = fdd(*images)
    assert ours.dtype == np.uint8
    np.testing.assert_array_equal(ours.transpose(3, 0, 1, 2), images)


def test_images_of_two_sizes_are_refused() -> None:
    with pytest.raises(ShapeError, match="images of one size become one"):
        fdd(np.zeros((8, 8)), np.zeros((8, 9)), np.zeros((8, 8)))
