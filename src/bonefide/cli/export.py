# SPDX-License-Identifier: Apache-2.0
"""`bonefide export`: a store to files that official code reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["export"]


def export(
    source: Annotated[Path, typer.Argument(help="Folder of a store.")],
    out: Annotated[Path, typer.Argument(help="File or folder to write; in a folder files get their official names.")],
    *,
    form: Annotated[str, typer.Option("--as", help="ctrgcn, mamp (npz), npy (arrays and labels) or pyskl (pickle).")],
    protocol: Annotated[list[str] | None, typer.Option(help="Whose parts; may be repeated; all if left out.")] = None,
    frames: Annotated[int, typer.Option(help="Length of padded samples; 300 or the longest, if left out.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are already there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write a store as files that the tools of a paper read."""
    from rich.console import Console
    from rich.markup import escape

    from bonefide.cli._progress import Counter
    from bonefide.data.official import write_official
    from bonefide.data.store import open_store

    store = open_store(source)
    with Counter("export") as counter:
        paths = write_official(
            store, out, form, protocols=protocol, frames=frames or None, overwrite=overwrite, progress=counter
        )
    size = sum(path.stat().st_size for path in paths)
    if as_json:
        facts = {"form": form, "files": [str(path) for path in paths], "bytes": size, "sequences": len(store)}
        typer.echo(json.dumps(facts))
        return
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"wrote {len(store)} sequences of {store.info.dataset} as '{form}' ({size / 1e6:.1f} MB):")
    for path in paths:
        console.print(f"  {escape(str(path))}")
