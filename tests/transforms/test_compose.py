# SPDX-License-Identifier: Apache-2.0
"""Chains of transforms, and the joints besides their streams."""

from __future__ import annotations

import numpy as np
import pytest

from bonefide.layouts import layout
from bonefide.transforms import Compose
from bonefide.transforms.crop_resize import CropResize
from bonefide.transforms.modality import Modality
from bonefide.transforms.random_rotation import RandomRotation

UCLA20 = layout("ucla20")
CLIP = np.random.default_rng(0).normal(size=(3, 30, 20, 2))
RANDOM = (CropResize(8, keep=(0.5, 1.0)), RandomRotation(0.3))


@pytest.mark.parametrize("stream", ["joint", "bone", "bone_motion"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_joints_take_the_same_way_without_the_stream(stream: str, place: int) -> None:
    before = CLIP.copy()
    chain = Compose([*RANDOM[:place], Modality(stream, layout=UCLA20, root="absolute"), *RANDOM[place:]])
    generators = [np.random.default_rng(5) for _ in range(3)]
    clip, joints = chain.with_joints(CLIP, generators[0])
    np.testing.assert_array_equal(clip, chain(CLIP, generators[1]))
    np.testing.assert_array_equal(joints, Compose(RANDOM)(CLIP, generators[2]))
    assert not np.array_equal(clip, joints)
    # What is drawn afterwards is what would have been drawn.
    assert len({generator.integers(2**60) for generator in generators}) == 1
    np.testing.assert_array_equal(CLIP, before)


def test_a_chain_without_a_stream_gives_joints_twice() -> None:
    clip, joints = Compose(RANDOM).with_joints(CLIP, np.random.default_rng(5))
    assert clip is joints
