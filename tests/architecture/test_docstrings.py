# SPDX-License-Identifier: Apache-2.0
"""Which docstrings are owed, and which sections they have."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from source_tree import PACKAGE, Definition, definitions, parse, public_files, python_files, relative

SECTIONS = {
    "transforms": ("Args", "Shape", "Reference", "Example"),
    "descriptors": ("Args", "Shape", "Reference", "Example"),
    "losses": ("Args", "Shape", "Reference", "Example"),
    "encoders": ("Args", "Shape", "Reference", "Differs from the official code", "Example"),
    "methods": ("Args", "Shape", "Reference", "Differs from the official code", "Example"),
    "data/raw": ("Raises", "Reference", "Example"),
    "data/preparation": ("Args", "Raises", "Reference", "Differs from the official code", "Example"),
    "conversion": ("Reference",),
}
"""Folder to the sections its components owe; `Args` only where there is something to give."""

CONSTRUCTION = {"__init__", "__post_init__", "__call__", "forward"}


def _sections(node: Definition) -> set[str]:
    """Sections of a docstring and, for a class, of the docstrings of its methods."""
    parts = [node, *(member for member in node.body if isinstance(member, ast.FunctionDef))]
    text = "\n".join(ast.get_docstring(part) or "" for part in (parts if isinstance(node, ast.ClassDef) else [node]))
    return set(re.findall(r"^([A-Z][A-Za-z ]+):[ \t]*$", text, flags=re.MULTILINE))


def _takes_arguments(node: Definition) -> bool:
    if isinstance(node, ast.ClassDef):
        fields = any(
            isinstance(part, ast.AnnAssign) and "ClassVar" not in ast.unparse(part.annotation) for part in node.body
        )
        made = [part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"]
        return fields or any(_takes_arguments(part) for part in made)
    arguments = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
    return any(argument.arg != "self" for argument in arguments)


def _component_faults(path: Path, owed: tuple[str, ...]) -> list[str]:
    found = []
    for node in definitions(parse(path)):
        present = _sections(node)
        missing = [name for name in owed if name not in present and (name != "Args" or _takes_arguments(node))]
        found += [
            f"{relative(path)}:{node.lineno} {node.name}: the docstring needs a section `{name}:`" for name in missing
        ]
        if "Example" in owed and ">>>" not in (ast.get_docstring(node) or ""):
            found.append(f"{relative(path)}:{node.lineno} {node.name}: the example must be a doctest (`>>>`)")
    return found


COMPONENTS = [(path, owed) for folder, owed in SECTIONS.items() for path in public_files(folder)]


@pytest.mark.parametrize(("path", "owed"), COMPONENTS, ids=[relative(path) for path, _ in COMPONENTS])
def test_component_has_its_sections(path: Path, owed: tuple[str, ...]) -> None:
    assert not _component_faults(path, owed), "\n".join(_component_faults(path, owed))


def _raises(function: ast.AST) -> bool:
    """Whether the body itself raises something for the caller; re-raising and nested functions do not count."""
    for node in ast.iter_child_nodes(function):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(node, ast.Raise) and node.exc is not None and "NotImplementedError" not in ast.unparse(node.exc):
            return True
        if _raises(node):
            return True
    return False


def _owed(path: Path) -> Iterator[str]:
    module, private = parse(path), path.name.startswith("_") and path.name != "__init__.py"
    if not ast.get_docstring(module):
        yield f"{relative(path)}: begin with one line on what this file is"
    for node in definitions(module):
        place = f"{relative(path)}:{node.lineno} {node.name}"
        if not ast.get_docstring(node):
            yield f"{place}: needs a docstring; one line if that is enough"
        if isinstance(node, ast.ClassDef):
            yield from (f"{place}.{fault}" for fault in _owed_by_methods(node, private=private))
        elif not private and _raises(node) and "Raises" not in _sections(node):
            yield f"{place}: raises, so the docstring needs a section `Raises:`"


def _owed_by_methods(node: ast.ClassDef, *, private: bool) -> Iterator[str]:
    """Methods of classes that stand alone; those of a protocol or framework are described there."""
    for member in node.body:
        if not isinstance(member, ast.FunctionDef):
            continue
        public = not member.name.startswith("_")
        if public and not node.bases and not ast.get_docstring(member) and member.name not in CONSTRUCTION:
            yield f"{member.name}: needs a docstring; one line if that is enough"
        if private or not (public or member.name in CONSTRUCTION):
            continue
        if _raises(member) and "Raises" not in _sections(node):
            yield f"{member.name}: raises, so the docstring of the class or method needs a section `Raises:`"


# What a verb raises is its exit code, documented once for all; its docstring is the help a user reads.
DOCUMENTED = [path for path in python_files("src") if not path.is_relative_to(PACKAGE / "cli")]


@pytest.mark.parametrize("path", DOCUMENTED, ids=relative)
def test_what_is_public_is_documented(path: Path) -> None:
    faults = list(_owed(path))
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("path", public_files("cli"), ids=relative)
def test_verbs_have_help(path: Path) -> None:
    silent = [node.name for node in definitions(parse(path)) if not ast.get_docstring(node)]
    assert not silent, f"{relative(path)}: {silent} need a docstring: it is what `--help` prints"


GOOD = '''"""A file."""
class Crop:
    """Crop.

    Args:
        frames: number of frames, at least 1.

    Shape:
        clip: (C, T, V, M).

    Reference:
        A paper.

    Example:
        >>> 1
        1
    """

    frames: int
'''


def test_a_complete_component_passes(tmp_path: Path) -> None:
    (tmp_path / "crop.py").write_text(GOOD, encoding="utf-8")
    assert not _component_faults(tmp_path / "crop.py", SECTIONS["transforms"])
    assert not list(_owed(tmp_path / "crop.py"))


@pytest.mark.parametrize("section", SECTIONS["transforms"])
def test_a_missing_section_is_seen(tmp_path: Path, section: str) -> None:
    (tmp_path / "crop.py").write_text(GOOD.replace(f"{section}:", "Words:"), encoding="utf-8")
    assert f"needs a section `{section}:`" in "\n".join(_component_faults(tmp_path / "crop.py", SECTIONS["transforms"]))


def test_an_example_that_does_not_run_is_seen(tmp_path: Path) -> None:
    (tmp_path / "crop.py").write_text(GOOD.replace(">>>", "   "), encoding="utf-8")
    assert "must be a doctest" in "\n".join(_component_faults(tmp_path / "crop.py", SECTIONS["transforms"]))


def test_args_are_owed_only_where_something_is_given(tmp_path: Path) -> None:
    text = GOOD.replace("Args:", "Words:").replace("    frames: int\n", "    version: ClassVar[int] = 1\n")
    (tmp_path / "crop.py").write_text(text, encoding="utf-8")
    assert not _component_faults(tmp_path / "crop.py", SECTIONS["transforms"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "what this file is"),
        ('"""File."""\ndef f(): ...', "f: needs a docstring"),
        ('"""File."""\nclass A:\n    """A."""\n    def go(self): ...', "A.go: needs a docstring"),
        ('"""File."""\ndef f(x):\n    """F."""\n    if x:\n        raise ShapeError("no")', "section `Raises:`"),
        (
            '"""File."""\nclass A:\n    """A."""\n    def __post_init__(self):\n        raise ShapeError("no")',
            "section `Raises:`",
        ),
    ],
)
def test_the_wall_stands(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "bad.py").write_text(text, encoding="utf-8")
    assert message in "\n".join(_owed(tmp_path / "bad.py"))


@pytest.mark.parametrize("text", ["raise", "def g():\n        raise ShapeError('no')", "raise NotImplementedError"])
def test_what_a_caller_cannot_cause_needs_no_section(tmp_path: Path, text: str) -> None:
    (tmp_path / "good.py").write_text(f'"""File."""\ndef f():\n    """F."""\n    {text}\n', encoding="utf-8")
    assert not list(_owed(tmp_path / "good.py"))
