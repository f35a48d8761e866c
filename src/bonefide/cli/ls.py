# SPDX-License-Identifier: Apache-2.0
"""`bonefide ls`: what there is, without importing torch."""

from __future__ import annotations

import json
from importlib import resources
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console
from rich.table import Table

from bonefide.errors import UnknownNameError

__all__ = ["ls"]

_UNBROKEN = 1000
_KINDS = ("papers", "recipes", "encoders", "methods", "transforms", "datasets", "layouts")


def ls(
    what: Annotated[str, typer.Argument(help=f"One of {', '.join(_KINDS)}.")] = "recipes",
    name: Annotated[str | None, typer.Argument(help="One of them, to see more about it.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """What there is: papers, recipes, encoders, methods, transforms, datasets, layouts."""
    if what not in _KINDS:
        raise UnknownNameError("things to list", what, _KINDS)
    rows = _rows(what)
    if name is not None:
        if name not in rows:
            raise UnknownNameError(what, name, rows)
        rows = {name: rows[name]}
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    _print(what, rows, whole=name is not None)


def _rows(what: str) -> dict[str, dict[str, Any]]:
    if what == "papers":
        return _papers()
    if what == "recipes":
        return _recipes()
    if what == "datasets":
        return _datasets()
    if what == "layouts":
        return _layouts()
    return _components(what)


def _papers() -> dict[str, dict[str, Any]]:
    from bonefide.config import load

    text = resources.files("bonefide").joinpath("papers.yaml").read_text(encoding="utf-8")
    papers: dict[str, dict[str, Any]] = yaml.safe_load(text)["papers"]
    names = load.names()
    for key, facts in papers.items():
        facts["recipes"] = [name for name in names if name.startswith(f"{key}/")]
    return papers


def _recipes() -> dict[str, dict[str, Any]]:
    from bonefide.config import load

    rows = {}
    for name in load.names():
        recipe = load.recipe(name)
        rows[name] = {
            "description": recipe.description,
            "data": f"{recipe.data.dataset} {recipe.data.protocol}",
            "runs": list(recipe.runs),
            "published": dict(recipe.published),
        }
    return rows


def _datasets() -> dict[str, dict[str, Any]]:
    from bonefide.data import datasets

    rows = {}
    for name in datasets.names():
        info = datasets.info(name)
        rows[name] = {
            "title": info.title,
            "classes": len(info.classes),
            "sequences": info.sequences or "varies",
            "protocols": list(info.protocols),
            "licence": info.licence,
            "homepage": info.homepage,
        }
    return rows


def _layouts() -> dict[str, dict[str, Any]]:
    from bonefide import layouts

    return {
        name: {
            "joints": len(layouts.layout(name).joints),
            "root": layouts.layout(name).joints[layouts.layout(name).root],
        }
        for name in layouts.names()
    }


def _components(folder: str) -> dict[str, dict[str, Any]]:
    """Public files of a component folder with the first line of what they say; none of them is imported."""
    rows = {}
    for file in sorted(resources.files("bonefide").joinpath(folder).iterdir(), key=lambda each: each.name):
        if file.name.endswith(".py") and not file.name.startswith("_"):
            said = file.read_text(encoding="utf-8").partition('"""')[2].partition('"""')[0]
            rows[file.name.removesuffix(".py")] = {"about": said.strip().splitlines()[0]}
    return rows


def _print(what: str, rows: dict[str, dict[str, Any]], *, whole: bool) -> None:
    console = Console()
    if not console.is_terminal:
        # One line a row, for those who search in it.
        console = Console(width=_UNBROKEN)
    shown = ("title", "year", "venue", "status") if what == "papers" and not whole else None
    if whole:
        (name, facts), *_ = rows.items()
        console.print(name, style="bold", highlight=False)
        for key, value in facts.items():
            console.print(f"  {key}: {_text(value)}", highlight=False, markup=False, soft_wrap=True)
        return
    columns = shown or tuple(dict.fromkeys(key for facts in rows.values() for key in facts))
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column(what, no_wrap=True)
    for column in columns:
        table.add_column(column, overflow="fold")
    for name, facts in rows.items():
        table.add_row(name, *(_text(facts.get(column, "")) for column in columns))
    console.print(table)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {each}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)
