# SPDX-License-Identifier: Apache-2.0
"""`bonefide doctor`: what is wrong with this installation, and what to do."""

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
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of lines.")] = False,
) -> None:
    """Look at this installation: torch and its build, dependencies, extras, devices, memory, disk.

    Ends with exit code 5 if something that is needed is broken; warnings do not count.
    """
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
