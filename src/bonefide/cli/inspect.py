# SPDX-License-Identifier: Apache-2.0
"""`bonefide inspect`: what is in a store; one sample in numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from bonefide.data.store import SkeletonStore

__all__ = ["inspect"]


def inspect(
    store: Annotated[Path, typer.Argument(help="Folder of the store.")],
    sample: Annotated[str, typer.Argument(help="Name of one sample, to see it in numbers.")] = "",
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Hash the files again.")] = False,
) -> None:
    """Show what is in a store, or one of its samples in numbers."""
    from bonefide.data.measures import measure_sequence
    from bonefide.data.store import open_store

    opened = open_store(store)
    if verify:
        opened.verify()
    if sample:
        facts = {"name": sample, "label": int(opened[sample].label), "class": _class(opened, opened[sample].label)}
        facts |= measure_sequence(opened[sample].joints, opened.layout)
    else:
        facts = _store_facts(opened, verified=verify)
    if as_json:
        typer.echo(json.dumps(facts))
    elif sample:
        _print_sample(facts)
    else:
        _print_store(facts)


def _class(store: SkeletonStore, label: int) -> str:
    return store.info.classes[label]


def _store_facts(store: SkeletonStore, *, verified: bool) -> dict[str, Any]:
    import numpy as np

    facts: dict[str, Any] = json.loads(store.info.to_json())
    counts = np.bincount(store.labels, minlength=len(store.info.classes)).tolist()
    return {
        "path": str(store.path),
        **facts,
        "verified": verified,
        "class_counts": dict(zip(store.info.classes, counts, strict=True)),
        "frames": {"min": int(store.frames.min()), "mean": float(store.frames.mean()), "max": int(store.frames.max())},
        "persons": np.unique(store.persons).tolist(),
        "subjects": np.unique(store.subjects[store.subjects >= 0]).tolist(),
        "cameras": np.unique(store.cameras[store.cameras >= 0]).tolist(),
        "bytes": sum(store.info.sizes.values()),
    }


def _print_store(facts: dict[str, Any]) -> None:
    from collections import Counter

    from rich.console import Console

    left_out = Counter(each["code"] for each in facts["left_out"])
    frames = facts["frames"]
    rows = [
        ("path", facts["path"]),
        ("data set", facts["dataset"]),
        ("sequences", f"{facts['sequences']}{'' if facts['complete'] else ' (incomplete)'}"),
        ("preparation", f"{facts['preparation']} version {facts['version']}"),
        ("options", ", ".join(f"{name}={value}" for name, value in facts["options"].items()) or "none"),
        ("layout", facts["layout"]),
        ("joints", f"{' x '.join(map(str, facts['shape']))} {facts['dtype']}, {facts['bytes'] / 1e6:.1f} MB"),
        ("frames", f"{frames['min']} to {frames['max']}, mean {frames['mean']:.1f}"),
        ("persons", _numbers(facts["persons"])),
        ("subjects", _numbers(facts["subjects"])),
        ("cameras", _numbers(facts["cameras"])),
        ("left out", ", ".join(f"{count} {code}" for code, count in left_out.most_common()) or "none"),
        ("checksums", "verified" if facts["verified"] else "not verified, see --verify"),
    ]
    console = Console()
    console.print(_table(("store", ""), rows))
    protocols = facts["protocols"].items()
    console.print(
        _table(("protocol", "train", "test"), [(name, each["train"], each["test"]) for name, each in protocols])
    )
    classes = enumerate(facts["class_counts"].items())
    console.print(_table(("class", "name", "sequences"), [(label, *each) for label, each in classes]))


def _print_sample(facts: dict[str, Any]) -> None:
    from rich.console import Console

    console = Console()
    plain = [(name.replace("_", " "), _show(value)) for name, value in facts.items() if name != "bones"]
    console.print(_table(("sample", ""), plain))
    bones = [(name, f"{each['mean']:.3f}", f"{each['spread']:.3f}") for name, each in facts["bones"].items()]
    console.print(_table(("bone to", "mean length, m", "spread, m"), bones))


def _table(header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> Any:
    from rich.markup import escape
    from rich.table import Table

    table = Table(*header)
    for row in rows:
        table.add_row(*(escape(str(cell)) for cell in row))
    return table


def _numbers(values: list[int]) -> str:
    return ", ".join(map(str, values)) if len(values) <= 20 else f"{len(values)} from {values[0]} to {values[-1]}"


def _show(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_show, value))
    return f"{value:.3f}" if isinstance(value, float) else str(value)
