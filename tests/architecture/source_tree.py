# SPDX-License-Identifier: Apache-2.0
"""What the walls read: the files of the project and what stands in them. Folders are read, so new files are seen."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

__all__ = [
    "COMPONENT_FOLDERS",
    "PACKAGE",
    "ROOT",
    "Definition",
    "definitions",
    "exported",
    "fold",
    "parse",
    "public_files",
    "python_files",
    "relative",
]

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "bonefide"
COMPONENT_FOLDERS = (
    "cli",
    "conversion",
    "data/datasets",
    "data/preparation",
    "data/raw",
    "descriptors",
    "encoders",
    "losses",
    "methods",
    "transforms",
)
"""Folders in which every public file is one component; some are not built yet."""

Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def python_files(*folders: str) -> list[Path]:
    """All Python files below these folders of the repository, sorted; folders that are not there have none."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def public_files(folder: str, package: Path = PACKAGE) -> list[Path]:
    """Component files of a folder of the package: those that do not begin with `_`."""
    return sorted(path for path in (package / folder).glob("*.py") if not path.name.startswith("_"))


def relative(path: Path) -> str:
    """How a message names a file."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name


def parse(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def fold(name: str) -> str:
    """Lower-case letters and digits only: `crop_resize` and `CropResize` are one name."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def exported(module: ast.Module) -> list[str] | None:
    """The names in `__all__`, which must be written out as strings; None if there is none."""
    for statement in module.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            try:
                return list(ast.literal_eval(statement.value))
            except ValueError:
                return None
    return None


def definitions(module: ast.Module) -> Iterator[Definition]:
    """Public classes and functions at the top of a module."""
    for statement in module.body:
        if isinstance(statement, Definition) and not statement.name.startswith("_"):
            yield statement
