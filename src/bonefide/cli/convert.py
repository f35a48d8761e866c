# SPDX-License-Identifier: Apache-2.0
"""`bonefide convert`: an official checkpoint to safetensors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bonefide.writing import write_file

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
    content = save({name: value.contiguous() for name, value in weights.items()}, {"paper": paper})
    write_file(out, content)
    typer.echo(f"{len(weights)} tensors, {sum(each.numel() for each in weights.values()):,} numbers: {out}")
