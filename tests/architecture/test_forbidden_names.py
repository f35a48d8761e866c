# SPDX-License-Identifier: Apache-2.0
"""Names are full words of the field, and some constructs are not written at all."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from source_tree import parse, python_files, relative

FILES = {"utils", "util", "helpers", "helper", "common", "misc", "base", "tools", "core"}
WORDS = {"cfg": "config", "proc": "process", "mgr": "a word for what it does", "feat": "features", "feats": "features"}


def _words(name: str) -> set[str]:
    return set(re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower().split("_"))


def _named(module: ast.Module) -> Iterator[tuple[str, int]]:
    """Every name a file defines, and where."""
    for node in ast.walk(module):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr, node.lineno
        elif isinstance(node, ast.alias) and node.asname:
            yield node.asname, getattr(node, "lineno", 0)


def _public_functions(module: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for member in node.body:
                if isinstance(member, ast.FunctionDef) and (
                    member.name.startswith("__") or not member.name.startswith("_")
                ):
                    yield member


def _swallows(handler: ast.ExceptHandler) -> bool:
    silent = all(isinstance(statement, ast.Pass | ast.Continue | ast.Expr) for statement in handler.body)
    silent = silent and not any(isinstance(node, ast.Call) for part in handler.body for node in ast.walk(part))
    return silent and handler.type is not None and ast.unparse(handler.type) in {"Exception", "BaseException"}


def _constructs(module: ast.Module) -> Iterator[tuple[int, str]]:
    for function in _public_functions(module):
        if function.args.kwarg is not None:
            yield function.lineno, f"{function.name}(**{function.args.kwarg.arg}): name every option"
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            yield node.lineno, "print: return what is to be said, or use the console of the command line"
        elif isinstance(node, ast.Call) and ast.unparse(node) in {
            "suppress(Exception)",
            "contextlib.suppress(Exception)",
        }:
            yield node.lineno, "suppress(Exception): name the error that may be ignored"
        elif isinstance(node, ast.ExceptHandler) and node.type is None:
            yield node.lineno, "bare except: name the error"
        elif isinstance(node, ast.ExceptHandler) and _swallows(node):
            yield node.lineno, "an error is swallowed: name the one that may be ignored, and say why"
        elif isinstance(node, ast.Global):
            yield node.lineno, f"global {', '.join(node.names)}: hand it in"


def _faults(path: Path) -> list[str]:
    module, place = parse(path), relative(path)
    found = [
        f"{place}:{line} {name}: write '{WORDS[word]}' instead of '{word}'"
        for name, line in _named(module)
        for word in _words(name) & set(WORDS)
    ]
    return found + [f"{place}:{line} {fault}" for line, fault in _constructs(module)]


def _file_fault(path: Path) -> str:
    words = {path.stem.strip("_"), path.parent.name} & FILES
    return f"{relative(path)}: '{words.pop()}' says nothing; name the file by what is in it" if words else ""


@pytest.mark.parametrize("path", python_files("src", "tests", "examples"), ids=relative)
def test_files_are_named_by_what_is_in_them(path: Path) -> None:
    assert not _file_fault(path), _file_fault(path)


@pytest.mark.parametrize("path", python_files("src"), ids=relative)
def test_names_are_words_and_constructs_are_clean(path: Path) -> None:
    assert not _faults(path), "\n".join(_faults(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cfg = 1", "write 'config'"),
        ("def f(feat_map): ...", "write 'features'"),
        ("class ProcMgr: ...", "write 'process'"),
        ("import numpy as proc", "write 'process'"),
        ("self.mgr = 1", "instead of 'mgr'"),
        ("def f(**options): ...", "name every option"),
        ("class A:\n    def __init__(self, **options): ...", "name every option"),
        ("print(1)", "print: return"),
        ("try:\n    f()\nexcept:\n    raise", "bare except"),
        ("try:\n    f()\nexcept Exception:\n    pass", "swallowed"),
        ("with contextlib.suppress(Exception):\n    f()", "suppress(Exception)"),
        ("def f():\n    global x\n    x = 1", "global x"),
    ],
)
def test_the_wall_stands(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.py"
    path.write_text(text, encoding="utf-8")
    assert message in "\n".join(_faults(path))


def test_what_is_allowed_passes(tmp_path: Path) -> None:
    path = tmp_path / "good.py"
    text = "def _call(**options): ...\nfeature = 1\ntry:\n    f()\nexcept Exception as error:\n    raise X from error\n"
    path.write_text(text, encoding="utf-8")
    assert not _faults(path)


@pytest.mark.parametrize("name", ["utils.py", "_helpers.py", "misc/shapes.py"])
def test_names_of_files_that_say_nothing_are_seen(tmp_path: Path, name: str) -> None:
    assert "says nothing" in _file_fault(tmp_path / name)
