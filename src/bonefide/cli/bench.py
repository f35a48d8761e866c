# SPDX-License-Identifier: Apache-2.0
"""`bonefide bench`: how fast and how big things are on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bonefide.writing import write_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from bonefide.benchmark.table import Cell, Table

__all__ = ["bench"]

_WIDEST = 8


def bench(
    what: Annotated[
        str,
        typer.Argument(
            help="all, startup, prepare, descriptors, store, loading, training, csre, stjd, zeroshot, encoders, or an "
            "encoder's or recipe's name; or a folder with finished runs, to measure what exporting them changes."
        ),
    ] = "all",
    *,
    store: Annotated[Path | None, typer.Option(help="Store to read from; otherwise one of random numbers.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    rounds: Annotated[int, typer.Option(min=1, help="Rounds to take medians over.")] = 7,
    threads: Annotated[int, typer.Option(min=1, help="Threads torch and NumPy may use.")] = 1,
    batch_size: Annotated[int, typer.Option(min=1, help="Samples in a batch of networks.")] = 4,
    variants: Annotated[
        str | None,
        typer.Option(
            help="Of networks, with commas: eager, compiled, bf16, compiled_bf16, onnx, onnx_int8. Left out: all for "
            "one network, eager for several."
        ),
    ] = None,
    files: Annotated[int, typer.Option(min=4, help="Made-up raw files to prepare.")] = 300,
    out: Annotated[Path | None, typer.Option(help="Write a Markdown page too.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Measure start-up, preparation, descriptors, store, loading, training, CSRE, STJD, networks or exported ones.

    Measure on a machine that does nothing else.
    """
    from bonefide.benchmark.page import machine, render
    from bonefide.benchmark.suite import Settings, plan
    from bonefide.benchmark.timing import thread_limit
    from bonefide.benchmark.variants import chosen_variants
    from bonefide.cli._device import computing_device

    settings = Settings(
        rounds=rounds,
        device=computing_device(device),
        store=store,
        batch_size=batch_size,
        files=files,
        variants=None if variants is None else chosen_variants(variants),
    )
    place = machine(settings.device)
    with thread_limit(threads):
        tables = _measured(plan(what, settings))
    if out is not None:
        changed: dict[str, tuple[str | int, str | int]] = {
            "device": (device, "auto"),
            "rounds": (rounds, 7),
            "threads": (threads, 1),
        }
        changed |= {"batch-size": (batch_size, 4), "files": (files, 300), "variants": (variants or "", "")}
        command = _command(what, changed, store=store)
        write_file(out, render(tables, command=command, place=place, rounds=rounds, threads=threads))
    if as_json:
        facts = {table.name: table.facts() for table in tables}
        typer.echo(json.dumps({"machine": place, "rounds": rounds, "threads": threads, "tables": facts}))
        return
    _show(tables)
    if out is not None:
        typer.echo(f"written: {out}")


def _measured(tasks: dict[str, Callable[[], Table]]) -> list[Table]:
    from rich.console import Console

    tables = []
    # Rich shows nothing of this where nobody watches.
    console = Console(stderr=True)
    for name, task in tasks.items():
        with console.status(f"measuring {name}"):
            tables.append(task())
    return tables


def _command(what: str, said: dict[str, tuple[str | int, str | int]], *, store: Path | None) -> str:
    """What was asked, without what is the default; options with their value and their default."""
    options = [f"--{name} {value}" for name, (value, default) in said.items() if value != default]
    # Where stores and runs lie is the machine's own affair.
    options += ["--store STORE"] if store is not None else []
    return " ".join(["bonefide bench", "RUNS" if Path(what).is_dir() else what, *options])


def _show(tables: list[Table]) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False)
    for table in tables:
        console.print(f"[bold]{escape(table.title)}[/]")
        console.print(_grid(table))


def _grid(table: Table) -> Any:
    from rich.table import Table as Grid

    from bonefide.benchmark.table import heading

    header = tuple(map(heading, table.columns))
    lines = [tuple(map(_coloured, row)) for row in table.rows]
    if len(header) > _WIDEST:
        # Too wide for a terminal: lines become columns.
        header, *lines = zip(header, *lines, strict=True)
    grid = Grid()
    for place, column in enumerate(header):
        grid.add_column(column, justify="right" if place else "left", no_wrap=not place)
    for line in lines:
        grid.add_row(*line)
    return grid


def _coloured(cell: Cell) -> str:
    from rich.markup import escape

    from bonefide.benchmark.table import shown

    text = escape(shown(cell))
    return f"[{'green' if cell else 'red'}]{text}[/]" if isinstance(cell, bool) else text
