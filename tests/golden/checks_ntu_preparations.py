# SPDX-License-Identifier: Apache-2.0
"""The other preparations of NTU RGB+D against their official scripts, on the same raw files as `checks_ntu.py`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from fixture import Fixture

from bonefide.data import datasets
from bonefide.data.dataset import SkeletonDataset
from bonefide.data.preparation._bodies import tracks, variance
from bonefide.data.preparation.ntu_agcn import NTUAGCN
from bonefide.data.preparation.ntu_pyskl import NTUPYSKL
from bonefide.data.preparation.ntu_slots import NTUSlots
from bonefide.data.preparation.ntu_stgcn import NTUSTGCN
from bonefide.data.raw._recording import RawRecording
from bonefide.data.raw.ntu import NTU
from bonefide.data.store import SkeletonStore
from bonefide.data.write_store import Entry, write_store
from bonefide.transforms import Compose
from bonefide.transforms.pre_normalize import PreNormalize
from bonefide.transforms.uniform_sample import UniformSample
from bonefide.types import Array, SkeletonSequence

__all__ = ["CHECKS"]


def _recordings(fixture: Fixture, names: Iterable[str]) -> list[RawRecording]:
    with ZipFile(fixture.sibling("data_ntu_raw.zip")) as archive:
        return [NTU().read(f"{name}.skeleton", archive.read(f"{name}.skeleton")) for name in names]


def _two_persons(joints: Array) -> Array:
    """(M, T, V, C) as the official files have it, (C, T, V, 2)."""
    clip = np.zeros((joints.shape[3], *joints.shape[1:3], 2), joints.dtype)
    clip[..., : len(joints)] = joints.transpose(3, 1, 2, 0)
    return clip


def _check_digest(clip: Array, digest: Array, name: str) -> None:
    """A sum may cancel out, so both sums are compared on the scale of the absolute values."""
    total, size, frames = digest
    found = clip.sum(dtype=np.float64), np.abs(clip).sum(dtype=np.float64)
    np.testing.assert_allclose(found, (total, size), rtol=0, atol=1e-6 * size, err_msg=name)
    assert frames == clip.shape[1], name


def _check_agcn(fixture: Fixture) -> None:
    assert not fixture.meta["skipped_official_errors"]
    for recording in _recordings(fixture, fixture.meta["files"]):
        clip = _two_persons(NTUAGCN()(recording).joints)
        expected = fixture.arrays[f"output/agcn_{recording.name}"]
        frames = expected.shape[1]
        assert clip.dtype == expected.dtype
        assert frames == recording.frames + 25
        np.testing.assert_allclose(clip[:, :frames], expected, rtol=0, atol=2e-6, err_msg=recording.name)
        shown = clip[:, clip.any(axis=(0, 2, 3))]
        _check_digest(shown, fixture.arrays[f"output/agcn_digest_{recording.name}"], recording.name)
        raw = _two_persons(NTUSTGCN()(recording).joints)
        _check_digest(raw, fixture.arrays[f"output/stgcn_digest_{recording.name}"], recording.name)


def _check_imdar(fixture: Fixture) -> None:
    names, labels = (fixture.arrays[f"output/{field}"].tolist() for field in ("names", "labels"))
    for recording, label in zip(_recordings(fixture, names), labels, strict=True):
        joints = NTUSlots()(recording).joints
        flat = joints.transpose(1, 0, 2, 3).reshape(joints.shape[1], -1, 3)
        expected = fixture.arrays[f"output/{recording.name}/x"]
        assert flat.dtype == expected.dtype
        assert recording.label + 1 == label
        np.testing.assert_allclose(flat, expected, rtol=0, atol=1e-12, err_msg=recording.name)
        listed = np.bincount(np.concatenate([body.frames for body in recording.bodies]), minlength=recording.frames)
        assert listed.tolist() == fixture.arrays[f"output/{recording.name}/nbodys"].tolist(), recording.name
    # A file without final line end, and one with more than four bodies, stop the official reader only.
    for recording in _recordings(fixture, fixture.meta["errors"]):
        assert np.isfinite(NTUSlots()(recording).joints).all()


def _check_pyskl(fixture: Fixture) -> None:
    names, labels = (fixture.arrays[f"output/{field}"].tolist() for field in ("names", "labels"))
    recordings = _recordings(fixture, names)
    assert [recording.label for recording in recordings] == labels
    sequences = [NTUPYSKL()(recording) for recording in recordings]
    with tempfile.TemporaryDirectory() as folder:
        store = _stored(Path(folder) / "annotations", sequences)
        for name in names:
            expected = fixture.arrays[f"output/{name}/keypoint"]
            assert store[name].joints.dtype == expected.dtype == np.float16
            np.testing.assert_array_equal(store[name].joints, expected, name)
        _check_inputs(fixture, Path(folder) / "inputs")
    with ZipFile(fixture.sibling("data_ntu_raw.zip")) as archive:
        rest = {Path(member).stem for member in archive.namelist()} - set(names) - set(fixture.meta["errors"])
    assert rest <= set(resources.files(datasets).joinpath("missing", "ntu120.txt").read_text(encoding="utf-8").split())
    for recording in _recordings(fixture, fixture.meta["errors"]):
        largest = max(tracks(recording, "packed")[0], key=lambda track: variance(track.joints))
        np.testing.assert_array_equal(NTUPYSKL()(recording).joints, largest.joints[None].astype(np.float16))


def _check_inputs(fixture: Fixture, place: Path) -> None:
    """The official chain reads float16 annotations; from a store of them ours must see the same."""
    operators = Fixture(fixture.sibling("data_pyskl.npz"))
    given = {who: operators.arrays[f"input/{who}"] for who in ("one", "two")}
    assert {keypoint.dtype.name for keypoint in given.values()} == {"float16"}
    store = _stored(place, [SkeletonSequence(who, 0, keypoint) for who, keypoint in given.items()])
    for clip_number in range(2):
        sample = UniformSample(48, random=False, clips=2, number=clip_number)
        samples = SkeletonDataset(store, np.arange(2), transform=Compose([PreNormalize(), sample]), persons=2)
        for row, who in enumerate(store.names.tolist()):
            ours = samples[row].clip.transpose(3, 1, 2, 0)
            expected = operators.arrays[f"output/gcn_input_48x2/{who}"][clip_number]
            np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-5, err_msg=who)


def _stored(place: Path, sequences: list[SkeletonSequence]) -> SkeletonStore:
    entries = [Entry(sequence) for sequence in sequences]
    return write_store(place, datasets.info("ntu120"), entries, layout=NTUPYSKL.layout, dtype=NTUPYSKL.dtype)


CHECKS = {
    "data_ntu_agcn": _check_agcn,
    "data_ntu_imdar": _check_imdar,
    "data_ntu_pyskl": _check_pyskl,
}
