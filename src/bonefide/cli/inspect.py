# SPDX-License-Identifier: Apache-2.0
"""`bonefide inspect`: what is in a store; one sample in numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from bonefide.data.store import SkeletonStore
    from bonefide.layouts import SkeletonLayout
    from bonefide.types import SkeletonSequence

__all__ = ["inspect"]

_SHOWN = 20


def inspect(
    store: Annotated[Path, typer.Argument(help="Folder of the store, or a raw file or archive.")],
    sample: Annotated[str, typer.Argument(help="Name of one sample, to see it in numbers.")] = "",
    *,
    picture: Annotated[
        Path | None, typer.Option(help="Draw the sample (.png, .gif), or one sample of each class of the store (.png).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Hash the files again.")] = False,
) -> None:
    """Show what is in a store, or one of its samples in numbers, and draw it.

    Of a raw file or archive the named recording is shown, or the first; `bonefide doctor` says what is wrong with it.
    """
    from bonefide.data.store import open_store

    if store.is_file():
        facts = _raw_facts(store, sample, picture)
    elif sample:
        facts = _sample_facts(open_store(store), sample, picture, verify=verify)
    else:
        opened = open_store(store)
        if verify:
            opened.verify()
        facts = _store_facts(opened, verified=verify)
        facts |= _gallery(opened, picture)
    if as_json:
        typer.echo(json.dumps(facts))
    elif "bones" in facts:
        _print_sample(facts)
    else:
        _print_store(facts)


def _sample_facts(store: SkeletonStore, sample: str, picture: Path | None, *, verify: bool) -> dict[str, Any]:
    from bonefide.data.measures import measure_sequence

    if verify:
        store.verify()
    sequence = store[sample]
    facts = {"name": sample, "label": int(sequence.label), "class": _class(store, sequence.label)}
    facts |= measure_sequence(sequence.joints, store.layout)
    facts["inferred"] = list(store.info.inferred)
    return facts | _picture(sequence, store.layout, picture)


def _raw_facts(path: Path, sample: str, picture: Path | None) -> dict[str, Any]:
    """Numbers of a raw recording, in its own unit and axes."""
    from bonefide import layouts
    from bonefide.data.doctor import diagnose, open_raw
    from bonefide.data.measures import measure_sequence
    from bonefide.errors import DataError, UnknownNameError
    from bonefide.types import SkeletonSequence

    with open_raw(path) as patient:
        if sample and sample not in patient.names:
            raise UnknownNameError(f"recordings of {path.name}", sample, patient.names)
        name = sample or patient.names[0]
        joints, confidence, fps = patient.read(name)
    layout = patient.layout
    if layout is None:
        told = diagnose(joints, fps=fps, confidence=confidence)["layout"]
        if told.value is None:
            raise DataError(f"{path}: the layout of {name} is unknown, {told.evidence}")
        layout = layouts.layout(str(told.value))
    facts: dict[str, Any] = {"name": name, "recordings": len(patient.names), "format": patient.format}
    facts |= {"layout": layout.name, "fps": fps, **measure_sequence(joints, layout)}
    return facts | _picture(SkeletonSequence(name, 0, joints), layout, picture)


def _picture(sequence: SkeletonSequence, layout: SkeletonLayout, picture: Path | None) -> dict[str, str]:
    if picture is None:
        return {}
    from bonefide.visualization.drawing import draw

    return {"picture": str(draw(sequence, layout).save(picture))}


def _gallery(store: SkeletonStore, picture: Path | None) -> dict[str, str]:
    """The first sample of each class, up to twenty, drawn to a file."""
    if picture is None:
        return {}
    from bonefide.visualization.gallery import draw_gallery

    labels = store.labels.tolist()
    shown = sorted({label: row for row, label in reversed(list(enumerate(labels)))}.items())[:_SHOWN]
    samples = {_class(store, label): store[row] for label, row in shown}
    return {"picture": str(draw_gallery(samples, store.layout, picture))}


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
        ("layout", f"{facts['layout']}{', of this store' if facts['skeleton'] else ''}, {facts['shape'][1]} joints"),
        ("inferred joints", ", ".join(facts["inferred"]) or "none"),
        ("listed protocols", ", ".join(facts["listed"]) or "none"),
        ("joints", f"{' x '.join(map(str, facts['shape']))} {facts['dtype']}, {facts['bytes'] / 1e6:.1f} MB"),
        ("frames", f"{frames['min']} to {frames['max']}, mean {frames['mean']:.1f}"),
        ("persons", _numbers(facts["persons"])),
        ("subjects", _numbers(facts["subjects"])),
        ("cameras", _numbers(facts["cameras"])),
        ("left out", ", ".join(f"{count} {code}" for code, count in left_out.most_common()) or "none"),
        ("checksums", "verified" if facts["verified"] else "not verified, see --verify"),
        *([("picture", facts["picture"])] if "picture" in facts else []),
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
    console.print(_table(("bone to", "mean length", "spread"), bones))


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
