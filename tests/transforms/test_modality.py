# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from bonefide.errors import ShapeError, UnknownNameError
from bonefide.layouts import layout, names
from bonefide.transforms.modality import Modality

GENERATOR = np.random.default_rng(0)


@pytest.mark.parametrize("name", names())
def test_bones_from_a_joint_to_the_root_add_up_to_their_difference(name: str) -> None:
    skeleton = layout(name)
    clip = GENERATOR.normal(size=(3, 4, len(skeleton.joints), 2))
    bones = Modality("bone", layout=skeleton)(clip, GENERATOR)
    for joint in range(len(skeleton.joints)):
        path, total = joint, np.zeros((3, 4, 2))
        while path != skeleton.root:
            total, path = total + bones[:, :, path], skeleton.parents[path]
        np.testing.assert_allclose(total, clip[:, :, joint] - clip[:, :, skeleton.root], atol=1e-12)
    assert not bones[:, :, skeleton.root].any()


@pytest.mark.parametrize("stream", ["joint", "bone"])
@pytest.mark.parametrize("root", ["zero", "absolute"])
def test_motions_add_up_to_the_way_from_the_first_frame(stream: str, root: str) -> None:
    skeleton = layout("ucla20")
    clip = GENERATOR.normal(size=(3, 7, 20, 1))
    posture = Modality(stream, layout=skeleton, root=root)(clip, GENERATOR)
    motion = Modality(f"{stream}_motion", layout=skeleton, root=root)(clip, GENERATOR)
    np.testing.assert_allclose(motion[:, :-1].cumsum(axis=1), posture[:, 1:] - posture[:, :1], atol=1e-12)
    assert not motion[:, -1].any()


def test_absolute_keeps_the_path_of_the_root_and_loses_it_elsewhere() -> None:
    skeleton = layout("ntu25")
    clip = GENERATOR.normal(size=(3, 4, 25, 2))
    elsewhere = clip + np.array([5.0, 6.0, 7.0])[:, None, None, None]
    others = [joint for joint in range(25) if joint != skeleton.root]
    for stream in ("joint", "bone"):
        modality = Modality(stream, layout=skeleton, root="absolute")
        here, there = modality(clip, GENERATOR), modality(elsewhere, GENERATOR)
        np.testing.assert_array_equal(here[:, :, skeleton.root], clip[:, :, skeleton.root])
        np.testing.assert_allclose(there[:, :, others], here[:, :, others], atol=1e-12)


def test_refuses_what_cannot_be() -> None:
    skeleton = layout("ucla20")
    with pytest.raises(UnknownNameError, match="did you mean 'bone_motion'"):
        Modality("bones_motion", layout=skeleton)
    with pytest.raises(UnknownNameError, match="ways to treat the root: no 'relative'"):
        Modality("bone", layout=skeleton, root="relative")
    with pytest.raises(ShapeError, match="25 joints, but layout ucla20 has 20"):
        Modality("bone", layout=skeleton)(np.zeros((3, 2, 25, 1)), GENERATOR)
