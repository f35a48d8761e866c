# SPDX-License-Identifier: Apache-2.0
"""`bonefide show`: a recipe with every default written out."""

from __future__ import annotations

import json
from typing import Annotated

import typer

__all__ = ["show"]


def show(
    recipe: Annotated[str, typer.Argument(help="Name of a recipe, or a YAML file.")],
    run: Annotated[str | None, typer.Option(help="Only this run, with its settings applied.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="key=value, as in training.epochs=10.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """The resolved recipe, every default written out, and checked."""
    from bonefide.config import load
    from bonefide.config.components import check_recipe

    resolved = load.recipe(recipe, set=load.parse_overrides(settings or []))
    if run is not None:
        resolved = load.single_run(resolved, run)
    check_recipe(resolved)
    typer.echo(json.dumps(resolved.model_dump(mode="json"), indent=1) if as_json else load.dump(resolved).rstrip())
