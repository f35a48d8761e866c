# SPDX-License-Identifier: Apache-2.0
"""NTU RGB+D: bodies, actors and final arrays against the official scripts; damaged files against their codes."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from fixture import Fixture

from bonefide.data import datasets
from bonefide.data.preparation._bodies import Track, tracks, variance
from bonefide.data.preparation.ntu_denoise import NTUDenoise
from bonefide.data.protocols import split
from bonefide.data.raw._recording import RawRecording
from bonefide.data.raw.ntu import NTU
from bonefide.data.write_store import Entry, write_store
from bonefide.errors import RawFileError
from bonefide.types import Array

__all__ = ["CHECKS"]

FRAMES = 50
PREPARED = ("nonfinite", "zero")
"""Codes a preparation raises: the reader passes such coordinates on, because other preparations may accept them."""


@contextmanager
def _archive(fixture: Fixture, name: str = "data_ntu_raw.zip") -> Iterator[ZipFile]:
    with ZipFile(fixture.sibling(name)) as archive:
        yield archive


def _recordings(fixture: Fixture) -> Iterator[RawRecording]:
    with _archive(fixture) as archive:
        for name in fixture.arrays["output/names"].tolist():
            member = f"{name}.skeleton"
            yield NTU().read(member, archive.read(member))


def _flat(joints: Array) -> Array:
    """(M, T, 25, 3) as the scripts have it: (T, 75 M)."""
    return joints.transpose(1, 0, 2, 3).reshape(joints.shape[1], -1)


def _check_bodies(fixture: Fixture) -> None:
    valid_frames = []
    for recording in _recordings(fixture):
        found, rows = tracks(recording, "packed")
        official = {
            field: fixture.arrays[f"output/{recording.name}/{field}"]
            for field in ("body_ids", "interval_first", "interval_last", "length", "motion", "joints_sum", "joints_md5")
        }
        assert [track.id for track in found] == official["body_ids"].tolist(), recording.name
        assert [track.interval[0] for track in found] == official["interval_first"].tolist(), recording.name
        assert [track.interval[1] for track in found] == official["interval_last"].tolist(), recording.name
        assert [len(track.rows) for track in found] == official["length"].tolist(), recording.name
        assert [_md5(track) for track in found] == official["joints_md5"].tolist(), recording.name
        sums = [track.joints.sum(axis=(0, 1), dtype=np.float64) for track in found]
        np.testing.assert_allclose(sums, official["joints_sum"], rtol=1e-9, atol=1e-9, err_msg=recording.name)
        if len(found) > 1:
            motion = [variance(track.joints) for track in found]
            np.testing.assert_allclose(motion, official["motion"], rtol=2e-4, err_msg=recording.name)
        dropped = fixture.arrays[f"output/{recording.name}/dropped_frames"]
        seen = np.concatenate([body.frames for body in recording.bodies])
        assert sorted(set(range(recording.frames)) - set(seen.tolist())) == dropped.tolist(), recording.name
        valid_frames.append(rows)
    assert valid_frames == fixture.arrays["output/frames_cnt_raw"].tolist()


def _md5(track: Track) -> str:
    return hashlib.md5(track.joints.astype("<f4").tobytes(), usedforsecurity=False).hexdigest()


def _check_actors(fixture: Fixture) -> None:
    lengths = []
    for recording in _recordings(fixture):
        joints = _flat(NTUDenoise().choose(*tracks(recording, "packed")))
        np.testing.assert_array_equal(joints, fixture.arrays[f"output/{recording.name}/joints"], recording.name)
        lengths.append(len(joints))
    assert lengths == fixture.arrays["output/frames_cnt"].tolist()


def _check_set(fixture: Fixture, dataset: str, protocols: dict[str, str]) -> None:
    info = datasets.info(dataset)
    prepare = NTUDenoise(**info.options.get("ntu_denoise", {}))
    recordings = list(_recordings(fixture))
    aligned = np.zeros((len(recordings), FRAMES, 150), dtype=np.float32)
    for row, recording in zip(aligned, recordings, strict=True):
        joints = _flat(prepare(recording).joints)
        row[: joints.shape[0], : joints.shape[1]] = joints
    # The stated tolerance is 1e-6, for one subtraction; ours is the same one, so nothing may differ.
    np.testing.assert_array_equal(aligned, fixture.arrays["output/aligned"])
    assert [recording.label for recording in recordings] == fixture.arrays["output/labels"].tolist()
    assert _selected(fixture, dataset) == [recording.name for recording in recordings]
    with tempfile.TemporaryDirectory() as folder:
        entries = [
            Entry(prepare(each), subject=each.subject, camera=each.camera, setup=each.setup) for each in recordings
        ]
        store = write_store(Path(folder) / "store", info, entries, layout="ntu25")
        for official, protocol in protocols.items():
            parts = split(store, protocol)
            for part in ("train", "test"):
                expected = fixture.arrays[f"output/{official}/{part}_index"].tolist()
                assert getattr(parts, part).tolist() == expected, (official, part)


def _selected(fixture: Fixture, dataset: str) -> list[str]:
    """Names in the archive that belong to the data set, by its facts alone."""
    info = datasets.info(dataset)
    missing = resources.files(datasets).joinpath("missing", info.missing).read_text(encoding="utf-8").split()
    with _archive(fixture) as archive:
        present = sorted(name.removesuffix(".skeleton") for name in archive.namelist())
    allowed = range(1, 1000) if info.only is None else info.only.train
    return [name for name in present if name not in missing and int(name[1:4]) in allowed]


def _check_ntu60(fixture: Fixture) -> None:
    _check_set(fixture, "ntu60", {"CS": "xsub", "CV": "xview"})


def _check_ntu120(fixture: Fixture) -> None:
    _check_set(fixture, "ntu120", {"CSub": "xsub", "CSet": "xset"})


def _check_damaged(fixture: Fixture) -> None:
    with _archive(fixture, "data_ntu_bad.zip") as archive:
        cases = fixture.meta["expected"]
        assert {f"{case}.skeleton" for case in cases} == set(archive.namelist())
        for case, expected in cases.items():
            content = archive.read(f"{case}.skeleton")
            try:
                found = _outcome(content)
            except RawFileError as error:
                found = {"expect": "error", "codes": [error.code]}
            if expected["expect"] == "error":
                assert found["expect"] == "error", case
                assert found["codes"][0] in expected["codes"], case
            else:
                warned = [expected["warn"]] if "warn" in expected else []
                wanted = {
                    "expect": "ok",
                    "warnings": warned,
                    "frames": expected["frames"],
                    "bodies": expected["bodies"],
                }
                assert {key: found.get(key) for key in wanted} == wanted, case
                assert expected.get("denoised", found["denoised"]) == found["denoised"], case


def _outcome(content: bytes) -> dict[str, object]:
    recording = NTU().read("S001C001P001R001A001.skeleton", content)
    try:
        joints = _flat(NTUDenoise()(recording).joints)
    except RawFileError as error:
        if error.code not in PREPARED:
            raise AssertionError("all other faults are the reader's") from error
        raise
    return {
        "expect": "ok",
        "warnings": list(recording.warnings),
        "frames": recording.frames,
        "bodies": len(recording.bodies),
        "denoised": list(joints.shape),
    }


CHECKS = {
    "data_ntu_stage1": _check_bodies,
    "data_ntu_stage2": _check_actors,
    "data_ntu60_final": _check_ntu60,
    "data_ntu120_final": _check_ntu120,
    "data_ntu_bad": _check_damaged,
}
