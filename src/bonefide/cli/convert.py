# SPDX-License-Identifier: Apache-2.0
"""`bonefide convert`: an official checkpoint to safetensors."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Annotated

import typer

from bonefide.errors import OutputError

__all__ = ["convert"]


def convert(
    paper: Annotated[str, typer.Argument(help="Whose checkpoint it is, as in `bonefide ls papers`.")],
    official: Annotated[Path, typer.Argument(help="The official file.")],
    out: Annotated[Path, typer.Argument(help="Where the weights go, a .safetensors file.")],
) -> None:
    """Convert an official checkpoint; nothing in the file is executed, and every key must have its place."""
    from safetensors.torch import save

    from bonefide.conversion import convert as convert_file

    weights = convert_file(paper, official)
    temporary = out.with_name(f".{out.name}.tmp")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(save({name: value.contiguous() for name, value in weights.items()}, {"paper": paper}))
        os.replace(temporary, out)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise OutputError(f"{out}: the weights cannot be written: {error.strerror}") from error
    typer.echo(f"{len(weights)} tensors, {sum(each.numel() for each in weights.values()):,} numbers: {out}")
