# SPDX-License-Identifier: Apache-2.0
"""`bonefide doctor` sees what it is meant to see, in installations that are made up and in this one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from packaging.requirements import Requirement
from typer.testing import CliRunner

from bonefide.cli import _installation as look
from bonefide.cli import _probe
from bonefide.cli._installation import Finding
from bonefide.cli.doctor import doctor
from bonefide.cli.prepare import prepare
from bonefide.data.store import open_store
from bonefide.data.synthetic.perform import perform
from bonefide.errors import DataError

TORCH: dict[str, Any] = {"version": "2.13.0+cu130", "cuda": "13.0", "hip": None, "devices": [], "mps": False}
KNOWN = [Requirement("typer>=0.12"), Requirement("isal>=1.6; extra == 'archives'")]


def _installed(monkeypatch: pytest.MonkeyPatch, **versions: str | None) -> None:
    """Let only these distributions be there; an underscore stands for a hyphen."""
    there = {name.replace("_", "-"): version for name, version in versions.items()}
    monkeypatch.setattr(look, "_version", there.get)


def _one(findings: list[Finding], status: str) -> Finding:
    (found,) = [finding for finding in findings if finding.status == status]
    return found


@pytest.mark.parametrize(
    ("version", "fault"), [(None, "is missing"), ("0.11.0", "0.11.0 does not do, >=0.12 is needed")]
)
def test_a_dependency_that_is_missing_or_old(monkeypatch: pytest.MonkeyPatch, version: str | None, fault: str) -> None:
    _installed(monkeypatch, typer=version)
    assert look.find_core(KNOWN) == [Finding("broken", "typer", fault, "pip install 'typer>=0.12'")]


def test_dependencies_that_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    _installed(monkeypatch, typer="0.12rc1")
    assert look.find_core(KNOWN)[0].status == "broken"
    _installed(monkeypatch, typer="0.13.dev1")
    assert look.find_core(KNOWN)[0].status == "ok"


def test_extras_come_from_the_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    known = look.requirements()
    found = look.extras(known)
    assert {"text", "archives", "viz", "export", "hub", "serve", "scale"} <= set(found)
    assert not {"all", "dev"} & set(found)
    assert set(found) <= set(look._GIVES), "say in words what the new extra gives"
    assert all(found.values())
    assert [each.name for each in found["archives"]] == ["isal"]
    _installed(monkeypatch, isal="1.7")
    findings = {finding.subject: finding for finding in look.find_extras(known)}
    assert findings["extra archives"].status == "ok"
    assert findings["extra text"].status == "warning"
    assert findings["extra text"].cure.endswith("pip install 'bonefide[text]'")
    assert "transformers is missing" in findings["extra text"].message


@pytest.mark.parametrize("name", ["lightning", "pytorch_lightning"])
@pytest.mark.parametrize("version", ["2.6.2", "2.6.3"])
def test_malicious_releases_are_named_and_never_imported(
    monkeypatch: pytest.MonkeyPatch, name: str, version: str
) -> None:
    _installed(monkeypatch, **{name: version})
    (found,) = look.find_lightning()
    assert (found.status, found.subject) == ("broken", name.replace("_", "-"))
    assert "malicious" in found.message
    assert ">=2.6.4" in found.cure
    assert "lightning" not in look.modules_of([Requirement("lightning")] if name == "lightning" else [])


def test_good_releases_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    _installed(monkeypatch, lightning="2.6.4", pytorch_lightning="2.6.1")
    assert look.find_lightning() == []


@pytest.mark.parametrize(
    ("visible", "driver", "hint"),
    [
        ("", True, "CUDA_VISIBLE_DEVICES hides it"),
        (None, False, "no NVIDIA driver"),
        (None, True, "driver may be too old for CUDA 13.0"),
    ],
)
def test_a_cuda_build_without_a_gpu(
    monkeypatch: pytest.MonkeyPatch, visible: str | None, driver: bool, hint: str
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    monkeypatch.setattr(shutil, "which", lambda name: "there" if driver else None)
    found = _one(look.find_torch(TORCH), "warning")
    assert "built for CUDA 13.0 but sees no GPU" in found.message
    assert hint in found.cure


def test_other_builds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    cpu = TORCH | {"version": "2.13.0+cpu", "cuda": None}
    assert look.find_torch(cpu) == [Finding("ok", "torch", "2.13.0+cpu, built for CPU")]
    assert "rocminfo" in _one(look.find_torch(TORCH | {"cuda": None, "hip": "7.1"}), "warning").cure
    seen = TORCH | {"devices": [["H200", 150e9]]}
    assert [finding.status for finding in look.find_torch(seen)] == ["ok"]
    assert look.find_devices(seen)[0].message == "cpu, cuda:0 (H200, 150 GB)"
    monkeypatch.setattr(shutil, "which", lambda name: "there")
    assert "built for the CPU only" in _one(look.find_torch(cpu), "warning").message


def test_a_torchvision_made_for_another_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    _installed(monkeypatch, torchvision="0.21.0", torch="2.13.0")
    monkeypatch.setattr(metadata, "requires", lambda name: ["numpy", "torch==2.6.0", "scipy; extra == 'scipy'"])
    (found,) = look.find_torchvision({"torchvision": ""})
    assert found.status == "warning"
    assert "made for torch==2.6.0 and here is 2.13.0" in found.message
    (found,) = look.find_torchvision({"torchvision": "RuntimeError: operator torchvision::nms does not exist"})
    assert found.status == "broken"
    assert "made for torch==2.6.0" in found.message
    monkeypatch.setattr(metadata, "requires", lambda name: ["torch==2.13.0"])
    assert look.find_torchvision({"torchvision": ""})[0].status == "ok"
    assert look.find_torchvision({}) == []


def test_little_memory_and_little_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(look, "_memory", lambda: 2e9)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(1, 1, 10**9))  # type: ignore[attr-defined]
    found = {finding.subject: finding for finding in look.find_machine(tmp_path)}
    assert (found["memory"].status, found["disk"].status) == ("warning", "warning")
    assert found["disk"].message == "1.0 GB free here"


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Packages that are found before what is installed, here and in interpreters of their own."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    broken = "raise RuntimeError('operator torchvision::nms does not exist')"
    for name, text in {
        "torchvision": broken,
        "sound": "print('hello')",
        "deadly": "import os; os._exit(139)",
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.usefixtures("packages")
def test_imports_are_tried_in_an_interpreter_of_their_own() -> None:
    faults, torch = _probe.import_apart(["torchvision", "sound", "absent", "deadly", "never"])
    assert faults == {
        "torchvision": "RuntimeError: operator torchvision::nms does not exist",
        "sound": "",
        "absent": "ModuleNotFoundError: No module named 'absent'",
        "deadly": "the interpreter dies (exit code 139)",
    }
    assert torch == {}


def test_an_import_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], *, timeout: float, **_: object) -> None:
        said = f'\n{_probe.MARK}{{"module": "endless"}}\n'.encode()
        raise subprocess.TimeoutExpired(command, timeout, output=said)

    monkeypatch.setattr(subprocess, "run", run)
    assert _probe.import_apart(["endless"], seconds=2)[0] == {"endless": "does not end within 2 s"}


@pytest.mark.usefixtures("packages")
def test_a_broken_torchvision_is_found_and_blamed() -> None:
    modules = look.modules_of([])
    assert modules == ["torchvision"]
    faults = _probe.import_apart(modules)[0] | {"lightning": "ImportError: torchvision"}
    (found,) = look.find_torchvision(faults)
    assert found.status == "broken"
    assert "operator torchvision::nms does not exist" in found.message
    for part in ("Lightning", "torchmetrics", "sentence-transformers"):
        assert part in found.message
    assert "pip uninstall torchvision" in found.cure
    assert [(each.subject, each.cure) for each in look.find_imports(faults)] == [
        ("lightning", "mend torchvision first, then look again")
    ]


def test_modules_are_those_of_the_distributions() -> None:
    modules = look.modules_of(look.requirements())
    assert {"torch", "lightning", "sklearn", "yaml", "numpy"} <= set(modules)
    assert not {"torchgen", "mpl_toolkits", "_yaml", "pytest"} & set(modules)


def _command() -> typer.Typer:
    app = typer.Typer()
    app.command()(doctor)
    return app


def _answers(monkeypatch: pytest.MonkeyPatch, faults: dict[str, str]) -> None:
    monkeypatch.setattr(_probe, "import_apart", lambda modules: (faults, TORCH))


def test_warnings_do_not_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    _answers(monkeypatch, {"torch": ""})
    ended = CliRunner().invoke(_command(), [])
    assert ended.exit_code == 0, ended.output
    lines = ended.output.splitlines()
    assert all(line.split()[0] in {"ok", "warning"} for line in lines), "each finding is one line"
    assert any(line.startswith("warning  GPU") and " -> " in line for line in lines)


def test_what_is_broken_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    _answers(monkeypatch, {"torch": "OSError: [libcudart]"})
    ended = CliRunner().invoke(_command(), [])
    assert ended.exit_code == 5
    assert "OSError: [libcudart]" in ended.output
    told = json.loads(CliRunner().invoke(_command(), ["--json"]).stdout)
    assert told["fine"] is False
    broken = [each for each in told["findings"] if each["status"] == "broken"]
    assert broken == [
        {
            "status": "broken",
            "subject": "torch",
            "message": "cannot be used: OSError: [libcudart]",
            "cure": "pip install --force-reinstall torch",
        }
    ]


def test_not_installed_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def requirements() -> list[Requirement]:
        raise metadata.PackageNotFoundError("bonefide")

    monkeypatch.setattr(look, "requirements", requirements)
    ended = CliRunner().invoke(_command(), [])
    assert ended.exit_code == 5
    assert "is not installed here" in ended.output


@pytest.mark.usefixtures("packages")
def test_this_installation_with_a_broken_torchvision() -> None:
    """The whole verb in an interpreter of its own, which itself never imports torch."""
    code = (
        "import sys, typer\nfrom bonefide.cli.doctor import doctor\n"
        "app = typer.Typer()\napp.command()(doctor)\n"
        "try:\n    app(['--json'])\nfinally:\n    sys.stderr.write(str('torch' in sys.modules))\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ)
    assert ended.returncode == 5, ended.stderr
    assert ended.stderr == "False"
    findings = {each["subject"]: each for each in json.loads(ended.stdout)["findings"]}
    assert findings["torchvision"]["status"] == "broken"
    assert findings["torch"]["status"] == "ok"
    assert findings["dependencies"]["status"] == "ok"


@pytest.fixture
def wave(tmp_path: Path) -> Path:
    np.save(tmp_path / "wave.npy", 1000 * perform("wave"))
    return tmp_path / "wave.npy"


def _run(*arguments: object) -> str:
    ended = CliRunner().invoke(_command(), [str(each) for each in arguments], catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    return ended.stdout


def test_a_file_is_diagnosed_and_the_command_said_that_converts_it(wave: Path) -> None:
    lines = _run(wave).splitlines()
    assert lines[0] == f"{wave}: 1 raw recording of format arrays"
    (unit,) = [line for line in lines if line.startswith("fault")]
    assert unit.split()[1:3] == ["unit", "mm:"]
    assert unit.endswith(" -> scale=0.001")
    expected = (
        f"--raw {wave} --format arrays --labels TABLE.csv --layout ntu25 --preparation plain --option scale=0.001"
    )
    assert lines[-1] == f"  bonefide prepare custom {expected} --out OUT"


def test_the_command_it_says_works(wave: Path, tmp_path: Path) -> None:
    (tmp_path / "TABLE.csv").write_text("name,label\nwave,waving\n", encoding="utf-8")
    words = json.loads(_run(wave, "--json"))["command"].split()[2:]
    app = typer.Typer()
    app.command()(prepare)
    words[words.index("TABLE.csv")] = str(tmp_path / "TABLE.csv")
    words[-1] = str(tmp_path / "out")
    ended = CliRunner().invoke(app, words, catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    np.testing.assert_allclose(open_store(tmp_path / "out").joints(0), perform("wave"), atol=1e-6)


def test_everything_as_json(wave: Path) -> None:
    told = json.loads(_run(wave, "--json"))
    assert (told["kind"], told["options"], told["looked_at"]) == ("raw", {"scale": 0.001}, 1)
    assert told["each"]["wave.npy"] == told["findings"]
    assert {"subject", "value", "evidence", "confidence", "fault", "numbers", "options"} == set(told["findings"][0])


def test_applied_it_leaves_nothing_to_mend(wave: Path, tmp_path: Path) -> None:
    assert _run(wave, "--apply", tmp_path / "out").splitlines()[-1] == f"1 sequences are in {tmp_path / 'out'}"
    assert _run(tmp_path / "out").splitlines()[-1] == "nothing that `plain` could mend"
    told = json.loads(_run(tmp_path / "out", "--apply", tmp_path / "again", "--json"))
    assert (told["options"], told["command"], told["sequences"]) == ({}, "", 1)


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "wave.npy").write_bytes(b"nothing")
    with pytest.raises(DataError):
        _run(tmp_path / "wave.npy")
    with pytest.raises(DataError, match="--apply needs a file"):
        _run("--apply", tmp_path / "out")
