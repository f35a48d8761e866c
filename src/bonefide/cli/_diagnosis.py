# SPDX-License-Identifier: Apache-2.0
"""A diagnosis as people and scripts read it, and the command that follows from it."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from bonefide.data.doctor import dataset_of, has_labels

if TYPE_CHECKING:
    from bonefide.data.doctor import Diagnosis, Examination, Finding
    from bonefide.data.store_info import Option

__all__ = ["command", "facts", "show"]

_UNREADABLE = 3


def facts(found: Examination) -> dict[str, Any]:
    """Everything, for JSON."""
    summary = found.summary
    return {
        "path": str(found.path),
        "kind": found.kind,
        "title": found.title,
        "recordings": found.total,
        "looked_at": len(found.diagnoses),
        "unreadable": dict(found.unreadable),
        "findings": _listed(summary),
        "options": summary.options,
        "command": command(found),
        "each": {name: _listed(diagnosis) for name, diagnosis in found.diagnoses.items()},
    }


def show(found: Examination) -> None:
    """Print findings as a table, and what to do."""
    console = Console(highlight=False, soft_wrap=True)
    summary = found.summary
    console.print(f"{escape(str(found.path))}: {escape(found.title)}")
    if found.total > 1:
        console.print(f"looked at {len(found.diagnoses) + len(found.unreadable)} of {found.total}")
    for name, why in list(found.unreadable.items())[:_UNREADABLE]:
        console.print(f"[red]cannot be read[/]: {escape(name)}: {escape(why)}")
    for finding in summary.findings:
        console.print(_line(finding))
    wanted = command(found)
    if wanted:
        console.print(f"to mend what can be mended:\n  {escape(wanted)}")
    else:
        console.print("nothing that `plain` could mend")


def command(found: Examination) -> str:
    """The command line that converts; "" if there is nothing to mend."""
    options = found.summary.options
    if not options:
        return ""
    path = shlex.quote(str(found.path))
    if found.kind == "official":
        return f"bonefide doctor STORE --apply OUT, when {path} is a store (bonefide.data.official.read_official)"
    if found.raw is None:
        return f"bonefide doctor {path} --apply OUT"
    dataset = dataset_of(found.raw)
    words = ["bonefide prepare", dataset, "--raw", path]
    if dataset == "custom":
        words += ["--format", found.raw.format]
        words += [] if has_labels(found.raw) else ["--labels", "TABLE.csv"]
    if found.raw.takes_layout:
        told = found.raw.layout.name if found.raw.layout else found.summary["layout"].value
        words += ["--layout", shlex.quote(str(told or "LAYOUT.yaml"))]
    words += ["--preparation", "plain"]
    for option in _options(options):
        words += ["--option", shlex.quote(option)]
    return " ".join([*words, "--out", "OUT"])


def _line(finding: Finding) -> str:
    status, colour = (
        ("fault", "yellow") if finding.fault else ("open", "dim") if finding.value is None else ("ok", "green")
    )
    cure = f" -> {', '.join(_options(finding.options))}" if finding.options else ""
    value = f"{_value(finding)}{'' if finding.confidence != 'likely' else ', likely'}"
    return f"[{colour}]{status:5}[/]  " + escape(f"{finding.subject:10}  {value}: {finding.evidence}{cure}")


def _options(options: Mapping[str, Option]) -> list[str]:
    return [f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in options.items()]


def _value(finding: Finding) -> str:
    if finding.value is None:
        return "unknown"
    return {True: "yes", False: "no"}[finding.value] if isinstance(finding.value, bool) else str(finding.value)


def _listed(diagnosis: Diagnosis) -> list[dict[str, Any]]:
    return [dataclasses.asdict(finding) for finding in diagnosis.findings]
