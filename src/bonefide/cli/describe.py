# SPDX-License-Identifier: Apache-2.0
"""`bonefide describe`: sequences of a store as images of descriptors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bonefide.data.descriptor_store import DescriptorStore
    from bonefide.data.store import SkeletonStore

__all__ = ["describe"]


def describe(
    store: Annotated[Path, typer.Argument(help="Folder of the store.")],
    *,
    names: Annotated[str, typer.Option("--as", help="Descriptors, with commas between.")] = "gd,jdd,add,lad,fdd",
    out: Annotated[
        Path | None, typer.Option(help="Folder to make; if left out, in the store, where trainings look.")
    ] = None,
    corrected: Annotated[bool, typer.Option("--corrected", help="Without the mistakes of the official code.")] = False,
    size: Annotated[int, typer.Option(help="Rows, and columns, of an image; networks take 112.")] = 112,
    png: Annotated[
        bool, typer.Option("--png", help="Write PNG files to --out, in folders named as the authors name them.")
    ] = False,
    read: Annotated[
        Path | None, typer.Option("--from", help="Compute nothing: take the images from such folders of PNG files.")
    ] = None,
    protocol: Annotated[str | None, typer.Option(help="Whose parts the folders of PNG files hold.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; all cores if left out.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace images that are already there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Turn every sequence of a store into small images that networks for images can see.

    Interrupted, the same command continues where it stopped. What is there already is not made again.
    """
    from bonefide.cli._progress import Counter
    from bonefide.data.descriptor_png import read_png_folders, write_png_folders
    from bonefide.data.store import open_store
    from bonefide.data.write_descriptors import describe_store, descriptor_folder

    wanted = [name.strip().lower() for name in names.split(",") if name.strip()]
    parts = _protocol(png, read, protocol, out, corrected=corrected, size=size)
    opened = open_store(store)
    folders: list[Path] = []
    try:
        with Counter("describe") as counter:
            if read is None:
                images = describe_store(
                    opened,
                    wanted,
                    None if png else out,
                    corrected=corrected,
                    size=size,
                    workers=workers,
                    overwrite=overwrite,
                    progress=counter,
                )
            else:
                place = descriptor_folder(opened) if out is None else out
                images = read_png_folders(
                    read, opened, wanted, place, protocol=parts, overwrite=overwrite, progress=counter
                )
        if png and out is not None:
            with Counter("write") as written:
                folders = write_png_folders(
                    images, opened, wanted, out, protocol=parts, workers=workers, progress=written
                )
    except KeyboardInterrupt as stop:
        typer.echo("; ".join(["interrupted", *getattr(stop, "__notes__", [])]), err=True)
        raise typer.Exit(130) from None
    if as_json:
        facts = {"path": str(images.path), "already_there": counter.total == 0, **json.loads(images.info.to_json())}
        typer.echo(json.dumps({**facts, "stored": images.info.stored, "png": [str(folder) for folder in folders]}))
    else:
        _summarize(opened, images, folders, worked=counter.total > 0)


def _protocol(
    png: bool, read: Path | None, protocol: str | None, out: Path | None, *, corrected: bool, size: int
) -> str:
    """Whose parts; refuses options that do not go together."""
    from bonefide.errors import DataError

    if png and read is not None:
        raise DataError("--png writes PNG files and --from reads them; give one of the two")
    if read is not None and (corrected or size != 112):
        raise DataError("images that are read are as they are; leave --corrected and --size out")
    if png and out is None:
        raise DataError("say by --out where the folders of PNG files shall go")
    if not (png or read is not None):
        if protocol is not None:
            raise DataError("--protocol is for PNG files; arrays hold all sequences of the store in its order")
        return ""
    if protocol is None:
        raise DataError("PNG files lie in folders of a protocol's parts; say which by --protocol, as in xsub")
    return protocol


def _summarize(store: SkeletonStore, images: DescriptorStore, folders: list[Path], *, worked: bool) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console(soft_wrap=True, highlight=False)
    info = images.info
    began = "described" if worked else "already there, nothing to do:"
    kind = " (corrected)" if info.corrected else " (from PNG files)" if info.origin == "png" else ""
    console.print(f"{began} {len(store)} sequences of {info.dataset} as {', '.join(info.stored)}{kind}")
    console.print(f"  {info.size} x {info.size} pixels in {escape(str(images.path))}")
    for folder in folders:
        console.print(f"  {sum(1 for _ in folder.glob('*.png'))} PNG files in {escape(str(folder))}")
