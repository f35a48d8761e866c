# SPDX-License-Identifier: Apache-2.0
"""What a measurement gives: a small table that a page, a terminal and a script can show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bonefide.errors import ShapeError

__all__ = ["Cell", "Table", "heading", "shown"]

Cell = str | int | float | bool | None


@dataclass(frozen=True)
class Table:
    """Rows of measurements with how they were taken.

    Args:
        name: key for scripts.
        title: heading for people.
        how: what was done, in full sentences.
        columns: names with the unit last, as in `wall_ms`.
        rows: one cell a column; None where there is nothing to say, a bool says whether a goal is met.

    Raises:
        ShapeError: if a row has not one cell for each column.

    Example:
        >>> Table("reads", "Reads", "Read.", ("what", "wall_us", "met"), (("one", 7.123456, True),)).facts()["rows"]
        [{'what': 'one', 'wall_us': 7.123456, 'met': True}]
    """

    name: str
    title: str
    how: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ShapeError(f"table {self.name}: a row of {len(row)} cells for {len(self.columns)} columns: {row}")

    def facts(self) -> dict[str, Any]:
        """The table for JSON: each row as column to cell."""
        rows = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        return {"title": self.title, "how": self.how, "rows": rows}


def heading(column: str) -> str:
    """A column's name for people.

    Example:
        >>> heading("wall_ms"), heading("goal_us"), heading("what")
        ('wall, ms', 'goal, µs', 'what')
    """
    words = column.split("_")
    units = {"ms": "ms", "us": "µs", "s": "s", "mb": "MB", "percent": "%"}
    name = " ".join(words[:-1]) if words[-1] in units and words[:-1] else " ".join(words)
    return f"{name}, {units[words[-1]]}" if words[-1] in units and words[:-1] else name


def shown(cell: Cell) -> str:
    """A cell for people: three significant digits, thousands apart.

    Example:
        >>> [shown(cell) for cell in (0.012345, 1234567, 1234.567, True, None, "a")]
        ['0.0123', '1,234,567', '1,235', 'yes', '', 'a']
    """
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:.3g}"
    return f"{cell:,}" if isinstance(cell, int) else cell
