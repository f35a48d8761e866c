# SPDX-License-Identifier: Apache-2.0
"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["markdown_row", "markdown_rule", "markdown_table"]


def markdown_row(cells: Iterable[str]) -> str:
    """A row of a Markdown table; what would end a cell is escaped."""
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def markdown_rule(sides: str) -> str:
    """The line below the head of a Markdown table: `r` for each column that is set to the right, anything for others.

    Example:
        >>> markdown_rule("-r")
        '|---|---:|'
    """
    return "|" + "|".join("---:" if side == "r" else "---" for side in sides) + "|"


def markdown_table(columns: Sequence[str], sides: str, rows: Iterable[Sequence[str]]) -> list[str]:
    """Head, rule and rows.

    Args:
        columns: what stands above them.
        sides: as of `markdown_rule`.
        rows: cells of each.
    """
    return [markdown_row(columns), markdown_rule(sides), *map(markdown_row, rows)]
