# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from calling import bonefide, call
from tiny import tiny_recipe, tiny_store

from bonefide.cli.convert import convert
from bonefide.cli.predict import predict
from bonefide.config import load
from bonefide.data.preparation import prepare
from bonefide.data.synthetic.ntu_text import skeleton_text
from bonefide.data.synthetic.perform import perform
from bonefide.data.synthetic.sensor import camera, observe
from bonefide.errors import DataError, RunError, UnknownNameError
from bonefide.evaluation.scores import load_scores
from bonefide.hub.recognizer import Recognizer
from bonefide.run import Run
from bonefide.training.fit import plan_runs, train_run

RAW = Path(__file__).parents[1] / "golden" / "data_ntu_raw.zip"


@pytest.fixture(scope="module")
def recognizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Untrained, for files of NTU RGB+D."""
    from bonefide.encoders.shiftgcn import ShiftGCN
    from bonefide.layouts import layout
    from bonefide.methods.supervised import Supervised

    torch.manual_seed(0)
    recipe = load.recipe("shiftgcn/ntu60_xsub", set={"encoder.base_channels": 2})
    encoder = ShiftGCN(layout("ntu25"), 3, base_channels=2)
    made = Recognizer.from_weights(Supervised(encoder, 60).state_dict(), load.single_run(recipe, "joint"))
    folder = tmp_path_factory.mktemp("recognizer")
    made.save_pretrained(folder)
    return folder


def members(count: int) -> list[str]:
    with zipfile.ZipFile(RAW) as archive:
        return [name for name in archive.namelist() if name.endswith(".skeleton")][:count]


def unpacked(folder: Path, count: int = 2) -> list[Path]:
    with zipfile.ZipFile(RAW) as archive:
        return [Path(archive.extract(name, folder)) for name in members(count)]


def test_raw_files_alone_and_in_archives(recognizer: Path, tmp_path: Path) -> None:
    files = unpacked(tmp_path)
    alone = json.loads(call(predict, recognizer, *files, "--json").stdout)
    assert alone["left_out"] == []
    assert [each["name"] for each in alone["predictions"]] == [file.stem for file in files]
    for each in alone["predictions"]:
        assert len(each["top"]) == 5
        probabilities = [entry["probability"] for entry in each["top"]]
        assert probabilities == sorted(probabilities, reverse=True)
        assert 0 < sum(probabilities) < 1
    archive = json.loads(call(predict, recognizer, RAW, "--json", "--top", 60).stdout)
    found = {each["name"]: each["top"] for each in archive["predictions"]}
    assert sum(entry["probability"] for entry in found[files[0].stem]) == pytest.approx(1, abs=1e-4)
    for each in alone["predictions"]:
        top = [entry["label"] for entry in found[each["name"]][:5]]
        assert top == [entry["label"] for entry in each["top"]]


def test_words_for_people(recognizer: Path, tmp_path: Path) -> None:
    (file,) = unpacked(tmp_path, 1)
    lines = call(predict, recognizer, file, "--top", 3).stdout.splitlines()
    assert len(lines) == 4
    name, label = lines[0].split(": ", 1)
    assert name == file.stem
    assert lines[1].endswith(f" %  {label}")


def test_samples_of_a_store(recognizer: Path, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="not the whole"):
        store = prepare("ntu60", raw=RAW, out=tmp_path / "store", preparation="ntu_agcn", workers=1)
    raw = json.loads(call(predict, recognizer, RAW, "--json").stdout)["predictions"]
    every = json.loads(call(predict, recognizer, store.path, "--json").stdout)["predictions"]
    known = {each["name"]: each["top"] for each in raw}
    assert len(every) == len(store)
    for each in every:
        assert [entry["label"] for entry in each["top"]] == [entry["label"] for entry in known[each["name"]]]
    name = str(store.names[1])
    one = json.loads(call(predict, recognizer, store.path, name, "--json").stdout)["predictions"]
    assert [each["name"] for each in one] == [name]
    with pytest.raises(UnknownNameError, match="no 'nobody'"):
        call(predict, recognizer, store.path, "nobody")
    with pytest.warns(UserWarning, match="not the whole"):
        other = prepare("ntu60", raw=RAW, out=tmp_path / "other", preparation="ntu_denoise", workers=1)
    with pytest.raises(DataError, match=r"was prepared by ntu_denoise .*, these weights learned from ntu_agcn"):
        call(predict, recognizer, other.path)


def test_damaged_files_are_left_out_and_told(recognizer: Path, tmp_path: Path) -> None:
    (good,) = unpacked(tmp_path, 1)
    bad = tmp_path / "S001C001P001R001A002.skeleton"
    bad.write_text("3\n1\n")
    said = json.loads(call(predict, recognizer, bad, good, "--json").stdout.splitlines()[-1])
    assert [each["name"] for each in said["predictions"]] == [good.stem]
    assert [each["code"] for each in said["left_out"]] == ["truncated"]
    with pytest.raises(DataError, match=r"nothing to recognise: .*truncated"):
        call(predict, recognizer, bad)


def test_what_goes_wrong(recognizer: Path, tmp_path: Path) -> None:
    (good,) = unpacked(tmp_path, 1)
    with pytest.raises(DataError, match="there is no "):
        call(predict, tmp_path / "none", good)
    with pytest.raises(DataError, match="there is no "):
        call(predict, recognizer, tmp_path / "none.skeleton")
    np.save(tmp_path / "wave.npy", perform("wave")[:, :, :20])
    with pytest.raises(DataError, match="joints are ucla20, but this preparation takes ntu25"):
        call(predict, recognizer, tmp_path / "wave.npy", "--layout", "ucla20")
    with pytest.raises(DataError, match="do not say which joints they have; name their layout"):
        call(predict, recognizer, tmp_path / "wave.npy")
    (tmp_path / "notes.md").write_text("text")
    with pytest.raises(DataError):
        call(predict, recognizer, tmp_path / "notes.md")


def test_a_trained_run_names_what_its_test_named(tmp_path: Path) -> None:
    store = tiny_store(tmp_path / "store")
    recipe = load.recipe(tiny_recipe(tmp_path / "recipes", encoder={"name": "ctrgcn", "base_channels": 8}))
    ((planned, name, folder),) = plan_runs(recipe, tmp_path / "runs")
    with pytest.raises(DataError, match="there is no"):
        call(predict, folder, store.path)
    run = train_run(planned, name, folder, store=store, device="cpu")
    said = json.loads(call(predict, folder, store.path, "--json", "--device", "cpu").stdout)["predictions"]
    found = {each["name"]: each["top"][0]["label"] for each in said}
    scores = load_scores(run.scores_file)
    assert {name: found[name] for name in scores.names.tolist()} == dict(
        zip(scores.names.tolist(), scores.predictions.tolist(), strict=True)
    )
    config = Recognizer.load(folder).config
    assert config.origin == {"paper": "ctrgcn", "recipe": "tiny", "run": "main", "select": "last"}
    Recognizer.load(folder).save_pretrained(tmp_path / "mine")
    again = json.loads(call(predict, tmp_path / "mine", store.path, "--json", "--device", "cpu").stdout)["predictions"]
    assert again == said
    Run(folder).weights_file.unlink()
    with pytest.raises(RunError, match="no weights yet"):
        call(predict, folder, store.path)


def test_the_whole_program(recognizer: Path, tmp_path: Path) -> None:
    (good,) = unpacked(tmp_path, 1)
    done = bonefide("predict", recognizer, good)
    assert done.returncode == 0
    assert done.stdout.startswith(f"{good.stem}: ")
    failed = bonefide("predict", recognizer, tmp_path / "none.skeleton")
    assert failed.returncode == 3
    assert failed.stderr.startswith("error: there is no ")
    assert "Traceback" not in failed.stderr


def recorded(action: str, folder: Path) -> Path:
    """A `.skeleton` file of somebody who acts before a sensor."""
    joints = perform(action, performer=1)
    seen = camera(1, 1)(joints)
    file = folder / "S001C001P001R001A001.skeleton"
    text = skeleton_text(observe(seen, np.random.default_rng(0), alone=True), seen.shape[1])
    file.write_bytes(text.encode("ascii"))
    return file


@pytest.mark.parametrize(("action", "named"), [("bow", "nod head/bow"), ("jump", "jump up"), ("cheer", "cheer up")])
@pytest.mark.parametrize("released", ["ntu_ShiftGCN_joint_xsub", "ntu120_ShiftGCN_joint_xsetup"])
def test_released_weights_name_what_made_up_people_do(
    released: str, action: str, named: str, shared_data: Path, tmp_path: Path
) -> None:
    file = shared_data / "checkpoints" / f"{released}.pt"
    if not file.is_file():
        pytest.skip(f"the released weights are absent: no {file}")
    said = call(convert, "shiftgcn", file, tmp_path / "recognizer").stdout
    assert f"recognises {120 if '120' in released else 60} classes" in said
    (found,) = json.loads(call(predict, tmp_path / "recognizer", recorded(action, tmp_path), "--json").stdout)[
        "predictions"
    ]
    assert found["top"][0]["class"] == named
