# SPDX-License-Identifier: Apache-2.0
"""One public name per component file, equal to the file's name; and no name appears or goes unnoticed."""

from __future__ import annotations

import ast
import difflib
from pathlib import Path

import pytest
from public_surface import COMMAND, LIST, surface
from source_tree import (
    COMPONENT_FOLDERS,
    PACKAGE,
    definitions,
    exported,
    fold,
    parse,
    public_files,
    python_files,
    relative,
)

COMPONENTS = [path for folder in COMPONENT_FOLDERS for path in public_files(folder)]
# `main` is where the command line begins: it exports the Typer application and the entry point of pyproject.toml.
ENTRY = PACKAGE / "cli" / "main.py"


def _component_fault(path: Path) -> str:
    names = exported(parse(path))
    if names is None or len(names) != 1:
        return f'{relative(path)}: write `__all__ = ["..."]` with exactly one name, the file\'s own; it has {names}'
    if fold(names[0]) != fold(path.stem):
        return f"{relative(path)}: exports {names[0]}; name the file or the object so that both are one word"
    others = [node.name for node in definitions(parse(path)) if node.name not in names]
    return f"{relative(path)}: give {', '.join(others)} an underscore, or a file" if others else ""


@pytest.mark.parametrize("path", [path for path in COMPONENTS if path != ENTRY], ids=relative)
def test_component_file_exports_its_own_name(path: Path) -> None:
    assert not _component_fault(path), _component_fault(path)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("crop_resize.py", "class CropResize: ...", "exactly one name"),
        ("crop_resize.py", '__all__ = ["CropResize", "crop"]', "exactly one name"),
        ("crop_resize.py", "__all__ = [name]", "exactly one name"),
        ("crop_resize.py", '__all__ = ["Cropper"]', "both are one word"),
        (
            "crop_resize.py",
            '__all__ = ["CropResize"]\nclass CropResize: ...\ndef crop(): ...',
            "give crop an underscore",
        ),
    ],
)
def test_the_wall_of_components_stands(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert message in _component_fault(tmp_path / name)


@pytest.mark.parametrize("name", ["CropResize", "crop_resize", "CROP_RESIZE"])
def test_spellings_of_one_name_pass(tmp_path: Path, name: str) -> None:
    (tmp_path / "crop_resize.py").write_text(f'__all__ = ["{name}"]', encoding="utf-8")
    assert not _component_fault(tmp_path / "crop_resize.py")


def _module_fault(path: Path) -> str:
    """Every module says what is public, in words a reader and this test can read."""
    module = parse(path)
    names = exported(module)
    if names is None:
        public = [node.name for node in definitions(module)]
        return f"{relative(path)}: write `__all__`, a list of strings" if public else ""
    stray = [node.name for node in definitions(module) if node.name not in names]
    private = path.name.startswith("_") and path.name != "__init__.py"
    return f"{relative(path)}: {', '.join(stray)}: list in `__all__`, or give an underscore" * bool(
        stray and not private
    )


@pytest.mark.parametrize("path", python_files("src"), ids=relative)
def test_module_says_what_is_public(path: Path) -> None:
    assert not _module_fault(path), _module_fault(path)


def test_stray_names_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "store.py"
    path.write_text("def open_it(): ...", encoding="utf-8")
    assert "write `__all__`" in _module_fault(path)
    path.write_text('__all__ = ["Store"]\nclass Store: ...\ndef open_it(): ...', encoding="utf-8")
    assert "open_it: list in" in _module_fault(path)


def test_exported_names_exist() -> None:
    """What `__all__` lists is defined, imported or assigned in the module, or given by its `__getattr__`."""
    absent = []
    for path in python_files("src"):
        module = parse(path)
        here = {node.id for node in ast.walk(module) if isinstance(node, ast.Name)}
        here |= {node.name for node in ast.walk(module) if isinstance(node, ast.ClassDef | ast.FunctionDef)}
        here |= {
            name.asname or name.name
            for node in ast.walk(module)
            if isinstance(node, ast.ImportFrom)
            for name in node.names
        }
        if "__getattr__" not in here:
            absent += [f"{relative(path)}: {name}" for name in exported(module) or [] if name not in here]
    assert not absent, f"`__all__` promises what is not there: {absent}"


def test_public_surface_is_the_checked_in_one() -> None:
    listed = LIST.read_text(encoding="utf-8").split()
    changes = [line for line in difflib.ndiff(listed, surface()) if line[0] in "+-"]
    assert not changes, (
        "the public surface has changed; if that is meant, run\n"
        f"    {COMMAND}\nand commit {relative(LIST)} with a sentence on why:\n" + "\n".join(changes)
    )


def test_surface_reads_public_modules_only(tmp_path: Path) -> None:
    (tmp_path / "layouts").mkdir()
    for name, text in {
        "__init__.py": '__all__ = ["prepare"]',
        "layouts/__init__.py": '__all__ = ["layout"]',
        "layouts/graph.py": '__all__ = ["hops"]',
        "layouts/_private.py": '__all__ = ["Hidden"]',
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert surface(tmp_path) == ["bonefide.layouts.graph.hops", "bonefide.layouts.layout", "bonefide.prepare"]
