# SPDX-License-Identifier: Apache-2.0
"""Classes are shallow: at most one level below a class of the project; bases from outside are listed."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from source_tree import parse, python_files, relative

ALLOWED = {
    "BaseModel": "pydantic, for recipes and files",
    "Callback": "Lightning",
    "Checkpoint": "Lightning",
    "Dataset": "torch.utils.data",
    "Exception": "errors.py",
    "Function": "torch.autograd, for gradients written out",
    "Generic": "typing",
    "IntEnum": "enum",
    "LightningModule": "Lightning",
    "Module": "torch.nn",
    "NamedTuple": "typing",
    "Protocol": "typing",
    "Sampler": "torch.utils.data",
    "StrEnum": "enum",
    "TyperGroup": "typer, for the list of verbs",
    "TypedDict": "typing",
    "Unpickler": "pickle, to refuse what is not on the allow-list",
    "ValueError": "errors.py, so that callers who expect it catch ours",
    "ndarray": "NumPy, to check what a pickle fills an array with",
}
"""Bases from outside, with why; write a line here only for one that a library demands."""

ERRORS = "errors.py"


def _name(base: ast.expr) -> str:
    while isinstance(base, ast.Subscript):
        base = base.value
    return base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "?")


def _only_configures(node: ast.ClassDef) -> bool:
    """Whether a class adds no field and no method: pydantic's way to say once that models are strict."""
    said = [ast.unparse(part).split(" = ")[0] for part in node.body if not isinstance(part, ast.Expr)]
    return said == ["model_config"]


def _bases(paths: list[Path]) -> dict[str, list[str]]:
    """Every class of the project to the names of its bases; one that only configures is seen through."""
    classes = [node for path in paths for node in ast.walk(parse(path)) if isinstance(node, ast.ClassDef)]
    named = {node.name: [_name(base) for base in node.bases] for node in classes}
    clear = {node.name for node in classes if _only_configures(node)}
    return {
        name: [inner for base in bases for inner in (named[base] if base in clear else [base])]
        for name, bases in named.items()
    }


def _depth(name: str, bases: dict[str, list[str]], seen: tuple[str, ...] = ()) -> int:
    """How many project classes a class stands on."""
    ours = [base for base in bases.get(name, []) if base in bases and base not in (*seen, name)]
    return max((1 + _depth(base, bases, (*seen, name)) for base in ours), default=0)


def _faults(path: Path, bases: dict[str, list[str]]) -> list[str]:
    found = []
    for node in ast.walk(parse(path)):
        if not isinstance(node, ast.ClassDef):
            continue
        names = [_name(base) for base in node.bases]
        place = f"{relative(path)}:{node.lineno} {node.name}"
        found += [
            f"{place}: base {name} is not allowed; hold it as a field, or list it in {Path(__file__).name} with why"
            for name in names
            if name not in bases and name not in ALLOWED
        ]
        if _depth(node.name, bases) > (2 if path.name == ERRORS else 1):
            found.append(f"{place}: stands on {_depth(node.name, bases)} classes of the project; compose instead")
        if len([name for name in names if name not in ("Protocol", "Generic")]) > 1 and path.name != ERRORS:
            found.append(f"{place}: several bases ({', '.join(names)}); no mixins, compose instead")
        if node.keywords and any(keyword.arg == "metaclass" for keyword in node.keywords):
            found.append(f"{place}: no metaclasses")
        found += [f"{place}: {fault}" for fault in map(_thawed, node.decorator_list) if fault]
    return found


def _thawed(decorator: ast.expr) -> str:
    call = decorator.func if isinstance(decorator, ast.Call) else decorator
    if _name(call) != "dataclass":
        return ""
    options = decorator.keywords if isinstance(decorator, ast.Call) else []
    frozen = any(option.arg == "frozen" and ast.unparse(option.value) == "True" for option in options)
    return "" if frozen else "write @dataclass(frozen=True); what changes is a new object"


SOURCES = python_files("src")
BASES = _bases(SOURCES)


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_classes_are_shallow(path: Path) -> None:
    faults = _faults(path, BASES)
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("class A: ...\nclass B(A): ...\nclass C(B): ...", "stands on 2 classes"),
        ("class A(dict): ...", "base dict is not allowed"),
        ("class A: ...\nclass B: ...\nclass C(A, B): ...", "no mixins"),
        ("class A(metaclass=ABCMeta): ...", "no metaclasses"),
        ("@dataclass\nclass A: ...", "frozen=True"),
        ("@dataclasses.dataclass(slots=True)\nclass A: ...", "frozen=True"),
    ],
)
def test_the_wall_stands(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.py"
    path.write_text(text, encoding="utf-8")
    assert message in "\n".join(_faults(path, _bases([path])))


def test_what_is_allowed_passes(tmp_path: Path) -> None:
    path = tmp_path / "good.py"
    text = "class S(BaseModel):\n    model_config = ConfigDict()\nclass T(S):\n    x: int\nclass U(T): ...\n"
    text += "class A(nn.Module): ...\nclass B(A): ...\n@dataclass(frozen=True, eq=False)\nclass C(Protocol[T]): ...\n"
    path.write_text(text, encoding="utf-8")
    assert not _faults(path, _bases([path]))
