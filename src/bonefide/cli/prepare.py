# SPDX-License-Identifier: Apache-2.0
"""`bonefide prepare`: raw files to a store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from bonefide.data.store import SkeletonStore
    from bonefide.data.store_info import Option

__all__ = ["prepare"]


def prepare(
    dataset: Annotated[str, typer.Argument(help="Name of the data set, see `bonefide ls datasets`.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder of the store to make.")],
    raw: Annotated[list[Path] | None, typer.Option(help="Archive, folder or list of the raw data; repeatable.")] = None,
    official: Annotated[
        list[Path] | None, typer.Option(help="Instead of --raw: a file that a paper's code has processed; repeatable.")
    ] = None,
    protocol: Annotated[str | None, typer.Option(help="Whose parts --official files hold.")] = None,
    preparation: Annotated[str, typer.Option(help="Preparation, if not the data set's own.")] = "",
    option: Annotated[list[str] | None, typer.Option(help="Option of the preparation, NAME=VALUE.")] = None,
    labels: Annotated[Path | None, typer.Option(help="Table of labels, for one's own data.")] = None,
    layout: Annotated[str | None, typer.Option(help="Joints of one's own data: a layout's name, or a YAML.")] = None,
    format: Annotated[str | None, typer.Option(help="Raw format of one's own data; recognised if left out.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; all cores if left out.")] = None,
    scheduler: Annotated[str | None, typer.Option(help="Address of a Dask scheduler to work on a cluster.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a store that is already there.")] = False,
    on_error: Annotated[str, typer.Option(help="At a damaged file: skip it and list it, or raise.")] = "skip",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Read a data set's raw files, or those a paper's code has processed, and store them as that paper prepares them.

    Interrupted, the same command continues where it stopped.
    """
    import warnings

    from bonefide.cli._progress import Counter
    from bonefide.data.official import read_official
    from bonefide.data.preparation import prepare as prepare_data

    given = {"option": option, "labels": labels, "layout": layout, "format": format, "scheduler": scheduler}
    _refuse(raw, official, given, protocol)
    try:
        with Counter("prepare") as counter, warnings.catch_warnings(record=True) as noted:
            warnings.simplefilter("always", UserWarning)
            if official:
                store = read_official(
                    dataset,
                    official,
                    out,
                    preparation=preparation or None,
                    protocol=protocol,
                    overwrite=overwrite,
                    progress=counter,
                )
            else:
                store = prepare_data(
                    dataset,
                    raw=raw or [],
                    out=out,
                    preparation=preparation or None,
                    options=_options(option or []),
                    labels=labels,
                    layout=layout,
                    format=format,
                    workers=workers,
                    scheduler=scheduler,
                    overwrite=overwrite,
                    on_error=on_error,  # type: ignore[arg-type]
                    progress=counter,
                )
    except KeyboardInterrupt as stop:
        typer.echo("; ".join(["interrupted", *getattr(stop, "__notes__", [])]), err=True)
        raise typer.Exit(130) from None
    sentences = [str(each.message) for each in noted if each.category is UserWarning]
    if as_json:
        typer.echo(json.dumps({**_facts(store, worked=counter.total > 0), "lacks": sentences}))
    else:
        _summarize(store, sentences, worked=counter.total > 0)


def _refuse(
    raw: list[Path] | None, official: list[Path] | None, given: Mapping[str, object], protocol: str | None
) -> None:
    from bonefide.errors import DataError

    if bool(raw) == bool(official):
        raise DataError("give --raw, what the sensor or the data set's authors wrote, or --official, one of the two")
    useless = [name for name, value in given.items() if value] if official else []
    if useless:
        raise DataError(f"--{useless[0]} is for raw data; official files are as they are")
    if protocol and raw:
        raise DataError("--protocol is for --official files; a store of raw data has all protocols of its data set")


def _options(given: list[str]) -> dict[str, Option]:
    from bonefide.errors import DataError

    options: dict[str, Option] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise DataError(f"--option takes NAME=VALUE, got '{each}'")
        try:
            parsed = json.loads(value)
        except ValueError:
            parsed = value
        options[name] = parsed if isinstance(parsed, str | int | float | bool) or parsed is None else value
    return options


def _facts(store: SkeletonStore, *, worked: bool) -> dict[str, Any]:
    from collections import Counter

    facts = json.loads(store.info.to_json())
    left_out = Counter(each.code for each in store.info.left_out)
    return {"path": str(store.path), "already_there": not worked, **facts, "left_out_by_code": left_out}


def _summarize(store: SkeletonStore, sentences: list[str], *, worked: bool) -> None:
    from collections import Counter

    from rich.console import Console
    from rich.markup import escape

    console = Console(soft_wrap=True, highlight=False)
    info = store.info
    began = "prepared" if worked else "already there, nothing to do:"
    console.print(
        f"{began} {info.sequences} sequences of {info.dataset} by '{info.preparation}' in {escape(str(store.path))}"
    )
    for protocol, counts in info.protocols.items():
        console.print(f"  {protocol}: {counts.train} train, {counts.test} test")
    for code, count in Counter(each.code for each in info.left_out).most_common():
        first = next(each for each in info.left_out if each.code == code)
        console.print(f"  left out {count} ({code}), first {escape(first.member)}: {escape(first.reason)}")
    for code, count in info.warnings.items():
        console.print(f"  noted of {count} files: {code}")
    for sentence in sentences:
        console.print(f"[yellow]warning[/]: {escape(sentence)}")
