# SPDX-License-Identifier: Apache-2.0
"""`bonefide doctor`: what a file or store is and what is wrong with it; without one, what is wrong here."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bonefide.cli._installation import Finding

__all__ = ["doctor"]


def doctor(
    path: Annotated[
        Path | None, typer.Argument(help="Raw file, archive, folder, official file or store; the installation if none.")
    ] = None,
    *,
    count: Annotated[int, typer.Option(min=1, help="Look at so many recordings, evenly chosen.")] = 20,
    layout: Annotated[str | None, typer.Option(help="Joints of one's own arrays: a layout's name, or a YAML.")] = None,
    format: Annotated[str | None, typer.Option(help="Raw format; recognised if left out.")] = None,
    apply: Annotated[Path | None, typer.Option(help="Write a store with everything mended that can be.")] = None,
    labels: Annotated[Path | None, typer.Option(help="Table of labels, with --apply.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a store that is already there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of lines.")] = False,
) -> None:
    """Say what a file or store is, what is wrong with it, and what mends it; without one, look at this installation.

    The installation is torch and its build, dependencies, extras, devices, memory, disk. It ends with exit code 5 if
    something needed is broken; warnings do not count. A diagnosis of data ends with 0 whatever it finds.
    """
    if path is None:
        given = {"--apply": apply, "--layout": layout, "--format": format, "--labels": labels}
        _refuse([name for name, value in given.items() if value is not None])
        _installation(as_json=as_json)
    else:
        _data(
            path,
            count=count,
            layout=layout,
            format=format,
            apply=apply,
            labels=labels,
            overwrite=overwrite,
            as_json=as_json,
        )


def _refuse(given: list[str]) -> None:
    from bonefide.errors import DataError

    if given:
        raise DataError(f"{given[0]} needs a file or a store to look at; none was given")


def _data(
    path: Path,
    *,
    count: int,
    layout: str | None,
    format: str | None,
    apply: Path | None,
    labels: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    import warnings

    from bonefide.cli._diagnosis import facts, show
    from bonefide.cli._progress import Counter
    from bonefide.data.doctor import examine, mend

    found = examine(path, count=count, layout=layout, format=format)
    told = facts(found) if as_json else {}
    if not as_json:
        show(found)
    if apply is not None:
        with Counter("mend") as counter, warnings.catch_warnings(record=True) as noted:
            warnings.simplefilter("always", UserWarning)
            store = mend(found, apply, labels=labels, overwrite=overwrite, progress=counter)
        lacks = [str(each.message) for each in noted if each.category is UserWarning]
        told |= {"store": str(store.path), "sequences": len(store), "lacks": lacks}
        if not as_json:
            typer.echo("\n".join([f"{len(store)} sequences are in {store.path}", *lacks]))
    if as_json:
        typer.echo(json.dumps(told))


def _installation(*, as_json: bool) -> None:
    from rich.console import Console

    from bonefide.errors import InstallationError

    # Rich shows nothing of this where nobody watches.
    with Console(stderr=True).status("importing every dependency"):
        findings = _findings()
    broken = any(finding.status == "broken" for finding in findings)
    if as_json:
        listed = [dataclasses.asdict(finding) for finding in findings]
        typer.echo(json.dumps({"fine": not broken, "findings": listed}))
    else:
        _show(findings)
    if broken:
        raise typer.Exit(InstallationError.exit_code)


def _findings() -> list[Finding]:
    from importlib.metadata import PackageNotFoundError

    from bonefide.cli import _installation as look
    from bonefide.cli._probe import import_apart

    machine = look.find_machine(Path.cwd())
    try:
        known = look.requirements()
    except PackageNotFoundError:
        return [*machine, look.Finding("broken", "bonefide", "is not installed here", "pip install -e . in its folder")]
    except ImportError as error:
        return [*machine, look.Finding("broken", "packaging", f"cannot be imported: {error}", "pip install packaging")]
    faults, torch = import_apart(look.modules_of(known))
    return [
        *machine,
        *look.find_torch(torch),
        *look.find_devices(torch),
        *look.find_core(known),
        *look.find_lightning(),
        *look.find_torchvision(faults),
        *look.find_imports(faults),
        *look.find_extras(known),
    ]


def _show(findings: list[Finding]) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False, soft_wrap=True)
    colours = {"ok": "green", "warning": "yellow", "broken": "red"}
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        cure = f" -> {finding.cure}" if finding.cure else ""
        line = escape(f"{finding.subject:{width}}  {finding.message}{cure}")
        console.print(f"[{colours[finding.status]}]{finding.status:7}[/]  {line}")
