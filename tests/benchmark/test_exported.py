# SPDX-License-Identifier: Apache-2.0
"""Exported networks are measured beside themselves, and runs that cannot be exported say why."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from tiny import loaded, tiny_store, trained
from torch import Tensor

from bonefide.benchmark import exported
from bonefide.benchmark.exported import measure_exported
from bonefide.config.load import recipe_digest
from bonefide.errors import BonefideError, RunError
from bonefide.evaluation.metrics import top_k
from bonefide.evaluation.scores import load_scores
from bonefide.methods.supervised import Supervised
from bonefide.run import Run
from bonefide.types import Outputs


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stores, and one run below `out`."""
    folder = tmp_path_factory.mktemp("runs")
    store = tiny_store(folder / "store", count=40)
    trained(loaded(folder, encoder__width=64, training__epochs=2), folder / "out" / "one", store)
    return folder


def _measured(place: Path, runs: Path) -> list[dict[str, object]]:
    facts = measure_exported(runs, place / "store", rounds=1, batch_size=3).facts()
    return list(facts["rows"])


def _only_run(place: Path) -> Run:
    return Run(next((place / "out").rglob("recipe.yaml")).parent)


def test_a_run_is_measured_in_three_ways(place: Path) -> None:
    pytest.importorskip("onnxruntime")
    run = _only_run(place)
    eager, exact, rounded = _measured(place, place / "out")
    assert [row["variant"] for row in (eager, exact, rounded)] == ["eager", "onnx", "onnx_int8"]
    assert {row["what"] for row in (eager, exact, rounded)} == {f"{run.recipe.name} {run.folder.name}"}
    assert eager["top1_percent"] == pytest.approx(top_k(load_scores(run.scores_file), 1))
    assert eager["file_mb"] == run.weights_file.stat().st_size / 1e6
    assert (eager["gain"], eager["unlike_eager_percent"], exact["unlike_eager_percent"]) == (1, 0, 0)
    assert rounded["file_mb"] < exact["file_mb"]  # type: ignore[operator]
    assert abs(rounded["top1_percent"] - exact["top1_percent"]) <= rounded["unlike_eager_percent"]  # type: ignore[operator]
    assert all(row["forward_ms"] > 0 for row in (eager, exact, rounded))  # type: ignore[operator]


def test_decisions_are_compared_with_eager_and_with_labels(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exported, "onnx_bytes", lambda network, target="floats": target.encode())
    monkeypatch.setattr(exported, "int8_bytes", lambda content, batches: b"rounded " + content)
    contents: list[bytes] = []

    def inference(content: bytes, *, threads: int) -> Callable[[Tensor], Tensor]:
        contents.append(content)
        return lambda clip: torch.eye(10)[[3] * len(clip)]

    monkeypatch.setattr(exported, "onnx_inference", inference)
    _, exact, rounded = _measured(place, place / "out")
    assert contents == [b"floats", b"rounded integers"]
    labels = load_scores(_only_run(place).scores_file)
    decided = labels.values.argmax(axis=1)
    assert exact["unlike_eager_percent"] == pytest.approx(100 * (decided != 3).mean())
    assert rounded["top1_percent"] == pytest.approx(100 * (labels.labels == 3).mean())


def test_what_cannot_be_quantised_keeps_its_other_rows(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(content: bytes, batches: object) -> bytes:
        raise BonefideError("too narrow\nfor this")

    monkeypatch.setattr(exported, "onnx_bytes", lambda network, target="floats": target.encode())
    monkeypatch.setattr(exported, "onnx_inference", lambda content, threads: lambda clip: torch.zeros(len(clip), 10))
    monkeypatch.setattr(exported, "int8_bytes", refused)
    rows = _measured(place, place / "out")
    assert [row["variant"] for row in rows] == ["eager", "onnx", "onnx_int8 not available: too narrow"]
    assert rows[2]["forward_ms"] is None


def test_runs_that_cannot_be_exported_say_why(place: Path, tmp_path: Path) -> None:
    def copy(name: str) -> Path:
        return Path(shutil.copytree(_only_run(place).folder, tmp_path / name))

    (copy("a_unfinished") / "weights.safetensors").unlink()
    file = copy("b_chosen") / "recipe.yaml"
    changed = yaml.safe_load(file.read_text())
    changed["training"]["epochs"] = 7
    file.write_text(yaml.safe_dump(changed))
    rows = _measured(place, tmp_path)
    reasons = [str(row["variant"]) for row in rows]
    assert reasons[0].startswith("not available: no weights yet")
    assert reasons[1].startswith("not available: the recipe is not the one it was trained with")
    assert len(reasons) == 2
    other = tiny_store(tmp_path / "other", "utdmhad")
    (_, reason) = (
        row["variant"] for row in measure_exported(tmp_path, other.path, rounds=1, batch_size=1).facts()["rows"]
    )
    assert str(reason).startswith("not available: STORE holds utdmhad, the recipe wants nwucla")
    with pytest.raises(RunError, match="no run at or below"):
        measure_exported(place / "store", place / "store", rounds=1, batch_size=1)


def test_networks_that_do_not_decide_by_logits_say_so(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Supervised, "judged_by_neighbors", True)
    (row,) = _measured(place, place / "out")
    assert str(row["variant"]).startswith("not available: it decides by comparing")
    monkeypatch.setattr(Supervised, "judged_by_neighbors", False)
    monkeypatch.setattr(Supervised, "outputs", lambda self, batch: Outputs())
    (row,) = _measured(place, place / "out")
    assert str(row["variant"]).startswith("not available: Supervised has no logits")


def test_weights_that_test_labels_chose_have_no_accuracy(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = _only_run(place)
    chosen = run.recipe.model_copy(
        update={"training": run.recipe.training.model_copy(update={"select": "best_on_test"})}
    )
    monkeypatch.setitem(run.facts["hashes"], "recipe", recipe_digest(chosen))
    run.__dict__["recipe"] = chosen
    monkeypatch.setattr(exported, "find_runs", lambda places: [run])
    (row,) = _measured(place, place / "out")
    assert row["variant"] == "not available: test labels chose its weights"
