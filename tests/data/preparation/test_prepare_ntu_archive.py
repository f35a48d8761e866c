# SPDX-License-Identifier: Apache-2.0
"""Every preparation of NTU RGB+D over an archive of two thousand made-up recordings, from the zip to the store."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from bonefide.data import open_store, split
from bonefide.data.datasets import info
from bonefide.data.preparation import names
from bonefide.data.raw.ntu import NTU
from bonefide.data.synthetic.write import synthesize

pytestmark = pytest.mark.slow

PREPARATIONS = [name for name in names() if name.startswith("ntu_")]
SUBJECTS, REPEATS, CAMERAS = 13, 2, 3
RECORDINGS = SUBJECTS * REPEATS * CAMERAS * len(info("synthetic").classes)
MEMORY = 600 * 2**20

WORK = """
import json, resource, sys
from pathlib import Path
from bonefide.data import prepare
raw, out, preparation = sys.argv[1:]
steps = []
prepare("synthetic", raw=raw, out=out, preparation=preparation, progress=lambda *done: steps.append(done))
def highest(process):
    lines = Path("/proc", process, "status").read_text().splitlines()
    return [int(line.split()[1]) for line in lines if line.startswith("VmHWM")]
# Not what the system counts as this process's own resources: that begins with the memory of the process that forked.
peaks = [*highest("self"), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]
# Workers that are kept for the next call are not among the children that ended.
for task in Path("/proc/self/task").glob("*/children"):
    for child in task.read_text().split():
        peaks += highest(child)
prepare("synthetic", raw=raw, out=out, preparation=preparation, progress=lambda *done: steps.append(("again", done)))
print(json.dumps({"steps": steps, "peaks": [peak * 1024 for peak in peaks]}))
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("raw") / "people.zip"
    return synthesize("ntu", place, subjects=SUBJECTS, repeats=REPEATS, cameras=CAMERAS, seed=5)


def test_all_preparations_are_tried(archive: Path) -> None:
    assert set(PREPARATIONS) >= {"ntu_denoise", "ntu_agcn", "ntu_stgcn", "ntu_slots", "ntu_pyskl"}
    with zipfile.ZipFile(archive) as members:
        assert len(members.namelist()) == RECORDINGS >= 2000


@pytest.mark.parametrize("name", PREPARATIONS)
def test_a_whole_archive(archive: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "store"
    command = [sys.executable, "-c", WORK, str(archive), str(out), name]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    facts = json.loads(ended.stdout)
    assert facts["steps"][0] == [0, RECORDINGS]
    assert facts["steps"][-1] == [RECORDINGS, RECORDINGS], "the second call does nothing, so it tells of no work"
    assert max(facts["peaks"]) <= MEMORY, f"{[round(peak / 2**20) for peak in facts['peaks']]} MiB"
    _check_store(out, archive, name)


def _check_store(out: Path, archive: Path, name: str) -> None:
    store = open_store(out)
    store.verify()
    with zipfile.ZipFile(archive) as members:
        stems = sorted(Path(member).stem for member in members.namelist())
        left_out = {Path(each.member).stem for each in store.info.left_out}
        assert {each.code for each in store.info.left_out} <= {"no_frames", "zero"}
        assert len(left_out) <= RECORDINGS // 100
        assert store.names.tolist() == [stem for stem in stems if stem not in left_out]
        assert store.info.preparation == name
        for row in range(0, len(store), 397):
            member = f"{store.names[row]}.skeleton"
            recording = NTU().read(member, members.read(member))
            assert store.labels[row] == recording.label
            assert 1 <= store.persons[row] <= 2
            assert store.frames[row] <= max(300, recording.frames)
    for row in range(len(store)):
        joints = store.joints(row)
        assert np.isfinite(joints).all()
        assert joints.any()
    codes = [re.fullmatch(r"S(\d+)C(\d+)P(\d+)R(\d+)A(\d+)", each) for each in store.names.tolist()]
    columns = (store.setups, store.cameras, store.subjects, store.repeats, store.labels + 1)
    for row, code in enumerate(codes):
        assert code is not None
        assert [int(number) for number in code.groups()] == [int(column[row]) for column in columns]
    for protocol in store.info.protocols:
        parts = split(store, protocol)
        assert len(parts.train) + len(parts.test) == len(store)
        assert min(len(parts.train), len(parts.test)) > len(store) // 4
