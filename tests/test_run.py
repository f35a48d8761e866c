# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from bonefide.errors import RunError
from bonefide.run import Run, find_runs


def make(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "recipe.yaml").write_text("paper: x\n")
    return folder


def test_what_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"no run here \(no recipe\.yaml\)"):
        Run.open(tmp_path)
    with pytest.raises(RunError, match="no run here"):
        Run.open(tmp_path / "nowhere")
    with pytest.raises(RunError, match=r"unfinished run \(no run\.json\); start the training again to continue"):
        _ = Run.open(make(tmp_path / "started")).facts


def test_finished_needs_weights_and_scores(tmp_path: Path) -> None:
    run = Run.open(make(tmp_path / "run"))
    assert not run.finished
    run.weights_file.touch()
    assert not run.finished
    run.scores_file.touch()
    assert run.finished
    assert run.log() == []


def test_runs_are_found_once_in_order(tmp_path: Path) -> None:
    folders = [make(tmp_path / name) for name in ("b/joint", "a/bone", "a/joint")]
    found = [run.folder for run in find_runs([tmp_path / "b", tmp_path, folders[1]])]
    assert found == [folders[0], folders[1], folders[2]]
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunError, match="empty: no run at or below this place"):
        find_runs([folders[0], tmp_path / "empty"])
    with pytest.raises(RunError, match="no run at or below"):
        find_runs([folders[0] / "recipe.yaml"])
