# SPDX-License-Identifier: Apache-2.0
"""Made-up UTD-MHAD files, read by SciPy."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat, whosmat

from bonefide.data.synthetic.bodies import Body, subject
from bonefide.data.synthetic.write import synthesize
from bonefide.errors import DataError

HEAD, SHOULDERS, SPINE, HIPS = range(4)
LEFT_SHOULDER, LEFT_HAND, RIGHT_SHOULDER, RIGHT_HAND = 4, 7, 8, 11


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    path = synthesize("utdmhad", tmp_path_factory.mktemp("utd") / "Skeleton.zip", subjects=3, repeats=2)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def joints(content: bytes) -> np.ndarray:
    found: np.ndarray = loadmat(io.BytesIO(content))["d_skel"]
    return found


def test_names_and_variables_are_official(files: dict[str, bytes]) -> None:
    names = [re.fullmatch(r"Skeleton/a(\d+)_s(\d+)_t(\d+)_skeleton\.mat", name) for name in files]
    codes = {tuple(map(int, name.groups())) for name in names if name}
    assert codes == {(a, s, t) for a in (3, 4, 5, 13, 23, 24, 25, 27) for s in (1, 2, 3) for t in (1, 2)}
    for content in files.values():
        ((name, shape, kind),) = whosmat(io.BytesIO(content))
        assert (name, shape[:2], kind) == ("d_skel", (20, 3), "double")
        assert 40 <= shape[2] <= 110
        assert np.isfinite(joints(content)).all()


def test_the_file_is_compressed_and_its_text_has_no_date(files: dict[str, bytes]) -> None:
    starts = {content[:128] for content in files.values()}
    assert len(starts) == 1
    start = next(iter(starts))
    assert start.startswith(b"MATLAB 5.0 MAT-file")
    assert start[116:] == bytes(8) + b"\x00\x01IM"
    assert b":" not in start[:116]
    # Element type 15: compressed.
    assert all(content[128] == 15 for content in files.values())


def test_the_trunk_runs_from_the_head_down(files: dict[str, bytes]) -> None:
    heights = joints(files["Skeleton/a3_s1_t1_skeleton.mat"])[:4, 1].mean(axis=1)
    assert (np.diff(heights) < -0.1).all()


def test_bones_have_the_lengths_of_the_person(files: dict[str, bytes]) -> None:
    for person in (1, 2, 3):
        body = Body(subject(person))
        skeleton = joints(files[f"Skeleton/a4_s{person}_t2_skeleton.mat"])
        for first, second, length in ((12, 13, body.thigh), (4, 5, body.upper_arm), (9, 10, body.forearm)):
            found = np.linalg.norm(skeleton[first] - skeleton[second], axis=0)
            assert np.median(found) == pytest.approx(length, rel=0.06)


def test_everyone_waves_with_the_right_hand_also_the_left_handed(files: dict[str, bytes]) -> None:
    assert subject(3).left_handed
    for person in (1, 2, 3):
        for again in (1, 2):
            skeleton = joints(files[f"Skeleton/a3_s{person}_t{again}_skeleton.mat"])
            assert skeleton[RIGHT_HAND, 1].max() > skeleton[HEAD, 1].mean() - 0.1
            assert skeleton[LEFT_HAND, 1].max() < skeleton[SHOULDERS, 1].mean()
            # The official x grows towards the right hand of somebody who looks into the camera.
            assert np.median(skeleton[RIGHT_SHOULDER, 0] - skeleton[LEFT_SHOULDER, 0]) > 0.15


def test_sitting_down_and_standing_up_end_as_they_should(files: dict[str, bytes]) -> None:
    down = joints(files["Skeleton/a25_s1_t1_skeleton.mat"])[HIPS, 1]
    up = joints(files["Skeleton/a24_s1_t1_skeleton.mat"])[HIPS, 1]
    assert down[0] - down[-1] > 0.25
    assert up[-1] - up[0] > 0.25


def test_there_is_one_camera(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cameras must be 1 in this format, got 2"):
        synthesize("utdmhad", tmp_path / "x.zip", cameras=2)
