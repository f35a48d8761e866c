# SPDX-License-Identifier: Apache-2.0
"""Transforms against the official feeders, replaying their recorded draws: every output array of a fixture."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from fixture import Fixture

from bonefide.layouts import layout
from bonefide.transforms.center import Center
from bonefide.transforms.crop_resize import CropResize
from bonefide.transforms.modality import Modality
from bonefide.transforms.normalize import Normalize
from bonefide.transforms.pre_normalize import PreNormalize
from bonefide.transforms.random_choose import RandomChoose
from bonefide.transforms.random_move import RandomMove
from bonefide.transforms.random_rotation import RandomRotation
from bonefide.transforms.random_shift import RandomShift
from bonefide.transforms.random_view import RandomView
from bonefide.transforms.sample_frames import SampleFrames
from bonefide.transforms.uniform_sample import UniformSample
from bonefide.types import Array

__all__ = ["CHECKS"]

UNUSED = np.random.default_rng(0)
NTU, UCLA = layout("ntu25"), layout("ucla20")


def outputs(fixture: Fixture) -> Iterator[tuple[str, Array]]:
    for name in fixture.arrays:
        if name.startswith("output/"):
            yield name.removeprefix("output/"), fixture.arrays[name]


def atol(fixture: Fixture) -> float:
    return float(re.search(r"atol (\S+?)[\s;,]", fixture.meta["tolerance"] + " ")[1])


def assert_near(ours: Array, expected: Array, tolerance: float, name: str) -> None:
    assert ours.shape == expected.shape, name
    np.testing.assert_allclose(ours, expected, rtol=0, atol=tolerance, err_msg=name)


def ntu_clip(rows: Array) -> Array:
    return rows.reshape(-1, 2, 25, 3).transpose(3, 0, 2, 1)


def check_ntu_feeder(fixture: Fixture) -> None:
    """Crop and resize, rotation, streams of the CTR-GCN line and of CSRE."""
    tolerance, cases = atol(fixture), fixture.meta["cases"]
    clips = {case: ntu_clip(rows) for case, rows in zip(cases, fixture.arrays["input/x"], strict=True)}
    for name, expected in outputs(fixture):
        match name.split("/"):
            case ["valid_frame_num"]:
                windows = [CropResize(64, keep=(1.0,)).draw(clip, UNUSED) for clip in clips.values()]
                assert windows == [(0, valid) for valid in expected]
            case ["crop", clip, options]:
                keep, frames = re.fullmatch(r"p(.+)_w(\d+)", options).groups()
                ours = CropResize(int(frames), keep=(float(keep),))(clips[clip], UNUSED)
                assert_near(ours, expected, tolerance, name)
            case ["randcrop", clip, "draw"]:
                check_random_crop(clips[clip], expected, fixture.arrays[f"output/randcrop/{clip}/x"], tolerance)
            case ["randcrop", _, "x"]:
                pass  # compared with its draw
            case ["rot", angles, what]:
                rotation, turn = RandomRotation(), tuple(map(float, angles.split("_")))
                cropped = CropResize(64)(clips[cases[1]], UNUSED)
                axes = np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1)
                ours = rotation.apply(axes, turn)[:, :, 0, 0] if what == "matrix" else rotation.apply(cropped, turn)
                assert_near(ours, expected, tolerance, name)
            case [item]:
                family, stream = item.split("_", maxsplit=1)
                modality = Modality(stream, layout=NTU, root={"ctr": "zero", "csre": "absolute"}[family])
                assert_near(modality(CropResize(64)(clips[cases[1]], UNUSED), UNUSED), expected, tolerance, name)
            case _:
                raise AssertionError(f"no comparison for {name}")


def check_random_crop(clip: Array, draw: Array, expected: Array, tolerance: float) -> None:
    share, length, start = float(draw[0]), int(draw[1]), int(draw[2])
    crop = CropResize(expected.shape[1], keep=(share, share))
    assert crop.draw(clip, UNUSED)[1] == length
    assert_near(crop.apply(clip, (start, length)), expected, tolerance, f"random crop {share}")


def check_long_window(fixture: Fixture) -> None:
    """Crop, resize and rotation with the 120 frames of MAMP and STJD; every length and start is in the meta."""
    meta, clip = fixture.meta, fixture.arrays["input/skeleton"].transpose(2, 0, 1)[..., None]
    random = CropResize(meta["window"], keep=(meta["p"], meta["p"]))
    assert random.draw(clip, UNUSED)[1] == meta["cropped_length"]
    train = random.apply(clip, (meta["bias"], meta["cropped_length"]))
    rotation, axes = RandomRotation(), np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1)
    ours = {
        "train": train,
        "train_rotated": rotation.apply(train, meta["angles_xyz"]),
        "test": CropResize(meta["window"])(clip, UNUSED),
        "rotation_matrix": rotation.apply(axes, meta["angles_xyz"])[..., 0],
    }
    for name, expected in outputs(fixture):
        np.testing.assert_allclose(ours[name][..., 0], expected, rtol=1e-5, atol=1e-6, err_msg=name)


def check_agcn_feeder(fixture: Fixture) -> None:
    """The augmentations of 2s-AGCN and ST-GCN."""
    arrays, tolerance = fixture.arrays, fixture.meta["tolerance"]["abs"]
    clip = arrays["input/clip"]
    for name, expected in outputs(fixture):
        kind = name.split("_")[0]
        if kind == "move":
            assert arrays[f"input/{name}_node"].tolist() == [0, clip.shape[1]]
            nodes = np.array([arrays[f"input/{name}_{values}"] for values in ("A", "S", "Tx", "Ty")])
            ours = RandomMove().apply(clip, nodes)
        elif kind == "shift":
            ours = RandomShift().apply(clip, int(arrays[f"input/{name}_bias"]))
        else:
            frames = int(kind.removeprefix("choose"))
            ours = RandomChoose(frames).apply(clip, int(arrays[f"input/{name}_begin"]))
        assert_near(ours, expected, tolerance, name)


def ucla_item(fixture: Fixture, name: str, stream: str, root: str) -> Array:
    clip = fixture.arrays[f"input/{name}"].transpose(2, 0, 1)[..., None]
    draw = f"input/train/{name}/draw" if stream == "train" else None
    clip = Center(1)(clip, UNUSED)
    if draw:
        about_x, about_y, _ = fixture.arrays[draw]
        clip = RandomView().apply(clip, (int(about_x), int(about_y)))
    clip = Normalize("box")(clip, UNUSED)
    if draw:
        return SampleFrames(52, random=True).apply(clip, fixture.arrays[f"input/train/{name}/index"])
    clip = SampleFrames(52, random=False)(clip, UNUSED)
    return Modality(stream, layout=UCLA, root=root)(clip, UNUSED)


def check_ucla_feeder(fixture: Fixture) -> None:
    """NW-UCLA in test mode, all streams of CTR-GCN and CSRE, and in training mode with recorded draws."""
    for name, expected in outputs(fixture):
        if name in ("labels", "names"):
            continue
        kind, sample = name.split("/")
        stream = kind.removeprefix("csre_")
        root = "absolute" if kind.startswith("csre_") else "zero"
        ours = ucla_item(fixture, sample, {"motion": "joint_motion"}.get(stream, stream), root)
        assert_near(ours[..., 0], expected, atol(fixture), name)


def check_pyskl(fixture: Fixture) -> None:
    """Sampling, normalisation, streams and the finished input of PYSKL."""
    tolerance = atol(fixture)
    for name, expected in outputs(fixture):
        match name.split("/"):
            case ["test", options]:
                length, frames, clips = map(int, re.fullmatch(r"(\d+)_c(\d+)_n(\d+)", options).groups())
                np.testing.assert_array_equal(pyskl_test_indices(length, frames, clips), expected, name)
            case ["train_seed9_p05", length]:
                bits = np.random.MT19937()
                bits._legacy_seeding(9)
                sample = UniformSample(64, random=True, keep=(0.5, 1.0))
                ours = sample.draw(np.zeros((1, int(length), 1, 1)), np.random.Generator(bits))
                np.testing.assert_array_equal(ours, expected, name)
            case ["prenorm_center", who]:
                kept = pyskl_clip(fixture, who)
                unturned = PreNormalize(spine=(0, 0), shoulders=(0, 0))(kept, UNUSED)
                assert_near(unturned.transpose(3, 1, 2, 0), expected, tolerance, name)
            case ["prenorm", who]:
                ours = PreNormalize()(pyskl_clip(fixture, who), UNUSED)
                assert_near(ours.transpose(3, 1, 2, 0), expected, tolerance, name)
            case ["prenorm", who, "total_frames"]:
                assert PreNormalize()(pyskl_clip(fixture, who), UNUSED).shape[1] == expected
            case ["gcn_input_48x2", who]:
                assert_near(pyskl_input(pyskl_clip(fixture, who), 48, 2), expected, tolerance, name)
            case [feature, who]:
                check_pyskl_feature(fixture, feature.removeprefix("feat_"), who, expected)
            case _:
                raise AssertionError(f"no comparison for {name}")


def pyskl_clip(fixture: Fixture, who: str) -> Array:
    return fixture.arrays[f"input/{who}"].transpose(3, 1, 2, 0)


def pyskl_test_indices(length: int, frames: int, clips: int) -> Array:
    clip = np.zeros((1, length, 1, 1))
    samples = [UniformSample(frames, random=False, clips=clips, number=number) for number in range(clips)]
    return np.concatenate([sample.draw(clip, UNUSED) for sample in samples])


def pyskl_input(clip: Array, frames: int, clips: int) -> Array:
    clip = PreNormalize()(clip, UNUSED)
    both = np.zeros((*clip.shape[:3], 2), clip.dtype)
    both[..., : clip.shape[-1]] = clip
    samples = [UniformSample(frames, random=False, clips=clips, number=number) for number in range(clips)]
    return np.stack([sample(both, UNUSED).transpose(3, 1, 2, 0) for sample in samples])


def check_pyskl_feature(fixture: Fixture, feature: str, who: str, expected: Array) -> None:
    stream = {"j": "joint", "b": "bone", "jm": "joint_motion", "bm": "bone_motion"}[feature]
    joints = fixture.arrays[f"output/feat_j/{who}"].transpose(3, 1, 2, 0)
    normalized = fixture.arrays[f"output/prenorm/{who}"].transpose(3, 1, 2, 0)
    assert_near(joints, normalized, atol(fixture), "feat_j is the normalised clip")
    ours = Modality(stream, layout=NTU)(joints, UNUSED)
    assert_near(ours.transpose(3, 1, 2, 0), expected, atol(fixture), feature)


CHECKS = {
    "data_feeder_ntu": check_ntu_feeder,
    "data_feeder_agcn": check_agcn_feeder,
    "data_ucla_feeder": check_ucla_feeder,
    "data_pyskl": check_pyskl,
    "stjd_feeder_crop_rot": check_long_window,
}
