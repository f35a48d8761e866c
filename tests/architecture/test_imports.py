# SPDX-License-Identifier: Apache-2.0
"""Data flow one way: the contracts of import-linter hold, and no component is missing from them."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from source_tree import PACKAGE, ROOT, parse, public_files, python_files, relative

INDEPENDENT = {"encoders": "encoders do not know each other", "methods": "methods do not know each other"}


def test_contracts_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    ended = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, (
        f"an import goes against the flow (contracts in pyproject.toml); move what is shared to a lower package:\n"
        f"{ended.stdout}{ended.stderr}"
    )


def _contracts(text: str) -> dict[str, list[str]]:
    found = tomllib.loads(text)["tool"]["importlinter"]["contracts"]
    return {contract["name"]: contract.get("modules", []) for contract in found}


def _missing(folder: str, listed: list[str], package: Path = PACKAGE) -> list[str]:
    modules = [f"bonefide.{folder}.{path.stem}" for path in public_files(folder, package)]
    return [module for module in modules if module not in listed]


@pytest.mark.parametrize("folder", INDEPENDENT)
def test_every_component_is_under_the_contract(folder: str) -> None:
    listed = _contracts((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[INDEPENDENT[folder]]
    missing = _missing(folder, listed)
    assert not missing, f"add {missing} to the contract '{INDEPENDENT[folder]}' in pyproject.toml"


def test_a_missing_component_is_seen(tmp_path: Path) -> None:
    (tmp_path / "encoders").mkdir()
    for name in ("mynet.py", "_encoder.py", "__init__.py"):
        (tmp_path / "encoders" / name).touch()
    assert _missing("encoders", ["bonefide.encoders.ctrgcn"], tmp_path) == ["bonefide.encoders.mynet"]


def _imported(path: Path) -> set[str]:
    """Packages a file imports, those inside functions and under TYPE_CHECKING included."""
    found: set[str] = set()
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def _fault(path: Path, package: Path = PACKAGE) -> str:
    if path.is_relative_to(package / "training"):
        return ""
    known = _imported(path) & {"lightning", "pytorch_lightning", "lightning_fabric"}
    return f"{path.name} imports {', '.join(known)}: only bonefide.training may know Lightning" if known else ""


@pytest.mark.parametrize("path", python_files("src"), ids=relative)
def test_only_training_knows_lightning(path: Path) -> None:
    assert not _fault(path), _fault(path)


def test_hidden_imports_of_lightning_are_seen(tmp_path: Path) -> None:
    (tmp_path / "training").mkdir()
    text = "def f():\n    from lightning.pytorch import Trainer\n    return Trainer\n"
    for path in (tmp_path / "run.py", tmp_path / "training" / "fit.py"):
        path.write_text(text, encoding="utf-8")
    assert "only bonefide.training" in _fault(tmp_path / "run.py", tmp_path)
    assert not _fault(tmp_path / "training" / "fit.py", tmp_path)


def _relative_imports(path: Path) -> list[int]:
    return [node.lineno for node in ast.walk(parse(path)) if isinstance(node, ast.ImportFrom) and node.level]


@pytest.mark.parametrize("path", python_files("src"), ids=relative)
def test_imports_are_absolute(path: Path) -> None:
    assert not _relative_imports(path), f"{relative(path)}, lines {_relative_imports(path)}: write `from bonefide...`"


def _private(path: Path, package: Path = PACKAGE) -> list[str]:
    """Private names taken from a module of another folder."""
    found = []
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bonefide"):
            module = str(node.module).split(".")
            at_home = list(path.relative_to(package).parent.parts) in (module[1:-1], module[1:])
            names = [name.name for name in node.names if name.name.startswith("_") and not name.name.startswith("__")]
            found += [] if at_home else [f"{node.module}.{name}" for name in names]
    return found


@pytest.mark.parametrize("path", python_files("src"), ids=relative)
def test_private_names_stay_in_their_folder(path: Path) -> None:
    assert not _private(path), f"{relative(path)} takes {_private(path)}: give the name no underscore, or move it"


def test_a_private_name_of_another_folder_is_seen(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text("from bonefide.layouts.graph import _normalize_columns\n", encoding="utf-8")
    assert _private(tmp_path / "run.py", tmp_path) == ["bonefide.layouts.graph._normalize_columns"]


@pytest.mark.parametrize("text", ["from bonefide.cli import _console", "from bonefide.cli._console import _width"])
def test_a_private_name_of_its_own_folder_passes(tmp_path: Path, text: str) -> None:
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli" / "draw.py").write_text(text, encoding="utf-8")
    assert not _private(tmp_path / "cli" / "draw.py", tmp_path)
