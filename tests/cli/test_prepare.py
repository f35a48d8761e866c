# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest
import typer
from typer.testing import CliRunner

from bonefide.cli.prepare import prepare
from bonefide.errors import BonefideError, DataError, OutputError, RawFileError, UnknownNameError


def _make() -> ModuleType:
    path = Path(__file__).parents[1] / "data" / "nwucla" / "make.py"
    spec = importlib.util.spec_from_file_location("make_nwucla_for_cli", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make = _make()
app = typer.Typer()
app.command()(prepare)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    files = {**make.sound_files(), "a01_s10_e00_v01.json": b"[]", "[notes].txt": b""}
    return make.write_zip(tmp_path / "raw.zip", files)


def _run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def _refuse(kind: type[BonefideError], *arguments: object) -> None:
    with pytest.raises(kind):
        CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)


def test_tells_what_it_did(raw: Path, tmp_path: Path) -> None:
    text = _run("nwucla", "--raw", raw, "--out", tmp_path / "store")
    assert "prepared 12 sequences of nwucla by 'nwucla'" in text
    assert "xview: 8 train, 4 test" in text
    assert "left out 1 (object), first all_sqe/a01_s10_e00_v01.json" in text
    assert "left out 1 (name), first all_sqe/[notes].txt" in text
    assert "warning: " in text
    assert "12 of 1484 sequences" in text
    assert "already there, nothing to do" in _run("nwucla", "--raw", raw, "--out", tmp_path / "store")


def test_json_is_one_object(raw: Path, tmp_path: Path) -> None:
    facts = json.loads(_run("nwucla", "--raw", raw, "--out", tmp_path / "store", "--json"))
    assert (facts["sequences"], facts["complete"], facts["already_there"]) == (12, False, False)
    assert facts["left_out_by_code"] == {"object": 1, "name": 1}
    assert facts["path"] == str(tmp_path / "store")
    assert facts["protocols"]["xview"]["train"] == 8
    assert json.loads(_run("nwucla", "--raw", raw, "--out", tmp_path / "store", "--json"))["already_there"]


def test_flags_reach_the_work(raw: Path, tmp_path: Path) -> None:
    out = tmp_path / "store"
    _run("nwucla", "--raw", raw, "--out", out)
    _refuse(OutputError, "nwucla", "--raw", raw, "--out", out, "--preparation", "plain")
    text = _run("nwucla", "--raw", raw, "--out", out, "--preparation", "plain", "--overwrite")
    assert "by 'plain'" in text
    _refuse(RawFileError, "nwucla", "--raw", raw, "--out", tmp_path / "strict", "--on-error", "raise")


def test_options_are_read_as_values(raw: Path, tmp_path: Path) -> None:
    _refuse(UnknownNameError, "nwucla", "--raw", raw, "--out", tmp_path / "s", "--option", "centre=true")
    _refuse(DataError, "nwucla", "--raw", raw, "--out", tmp_path / "s", "--option", "centre")
    arguments = ("nwucla", "--raw", raw, "--out", tmp_path / "s", "--preparation", "ntu_denoise", "--option")
    with pytest.raises(DataError, match="got 3"):
        CliRunner().invoke(app, [*map(str, arguments), "track_gaps=3"], catch_exceptions=False)


def test_an_interrupt_ends_with_130_and_advice(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bonefide.data.raw.nwucla import NWUCLA

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(NWUCLA, "read", interrupt)
    result = CliRunner().invoke(app, ["nwucla", "--raw", str(raw), "--out", str(tmp_path / "store")])
    assert result.exit_code == 130
    assert "run the same command again to continue" in result.stderr


def test_takes_what_a_papers_code_has_processed(tmp_path: Path) -> None:
    from bonefide.data import open_store
    from bonefide.data.synthetic.write import synthesize

    pickle = synthesize("pyskl", tmp_path / "people.pkl", subjects=2, cameras=1, actions=["wave", "kick"])
    text = _run("custom", "--official", pickle, "--out", tmp_path / "store")
    assert "prepared 4 sequences of custom by 'plain'" in text
    assert open_store(tmp_path / "store").info.listed == ("xsub", "xview")
    text = _run("ntu60", "--official", _ctrgcn(tmp_path), "--out", tmp_path / "ntu")
    assert "2 of 56578 sequences" in text
    assert "xsub: 1 train, 1 test" in text


def _ctrgcn(folder: Path) -> Path:
    import numpy as np

    parts = {f"x_{part}": np.ones((1, 300, 150), np.float32) for part in ("train", "test")}
    labels = {f"y_{part}": np.eye(60)[:1] for part in ("train", "test")}
    np.savez(folder / "NTU60_CS.npz", **parts, **labels)
    return folder / "NTU60_CS.npz"


def test_raw_and_official_are_not_mixed_up(raw: Path, tmp_path: Path) -> None:
    _refuse(DataError, "nwucla", "--out", tmp_path / "store")
    _refuse(DataError, "nwucla", "--raw", raw, "--official", raw, "--out", tmp_path / "store")
    _refuse(DataError, "nwucla", "--official", raw, "--labels", raw, "--out", tmp_path / "store")
    _refuse(DataError, "nwucla", "--raw", raw, "--protocol", "xview", "--out", tmp_path / "store")
    assert not (tmp_path / "store").exists()
