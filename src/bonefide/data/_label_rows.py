# SPDX-License-Identifier: Apache-2.0
"""The text of a table of labels: columns by their names, cells by what they may say, every fault with its line."""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bonefide.errors import DataError, did_you_mean

__all__ = ["GROUPS", "LabelRow", "class_numbers", "group_numbers", "parse_rows", "protocol_parts"]

GROUPS = ("subject", "camera", "setup", "repeat")
_NAMES = ("name", "file", "filename")
_KNOWN = ("label", "class_name", *GROUPS)
_SPLIT = re.compile(r"split(?:_([A-Za-z0-9_\-]+))?")
_NUMBER = re.compile(r"[0-9]{1,9}")
_PARTS = {"train": True, "training": True, "test": False, "testing": False}
_VALIDATION = ("val", "valid", "validation", "dev")
_NEAR = 0.85


@dataclass(frozen=True)
class LabelRow:
    """One row.

    Args:
        line: 1-based.
        name: of the recording.
        cells: column to text, for the columns that mean something; protocols are called as in the header.
    """

    line: int
    name: str
    cells: Mapping[str, str]


def parse_rows(content: bytes, place: str) -> list[LabelRow]:
    """Rows of a table, with commas, semicolons or tabs between the columns.

    Args:
        content: UTF-8 text, with or without byte-order mark.
        place: where it is, for messages.

    Raises:
        DataError: if it is no such text, is empty, lacks a column, or a row is short or named like another.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{place} is no UTF-8 text; save the table as CSV, UTF-8") from None
    title = text.lstrip().partition("\n")[0]
    delimiter = next((each for each in ";\t," if each in title), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True)
    rows: dict[str, LabelRow] = {}
    columns: dict[str, int] = {}
    width = 0
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not columns:
                columns = _columns([cell.strip() for cell in cells], f"{place}:{reader.line_num}")
                width = len(cells)
                continue
            if any(cell.strip() for cell in cells[width:]):
                raise DataError(f"{place}:{reader.line_num}: {len(cells)} columns, the header has {width}")
            row = _row(cells, columns, reader.line_num, place)
            if row.name in rows:
                raise DataError(f"{place}:{row.line}: '{row.name}' stands in line {rows[row.name].line} already")
            rows[row.name] = row
    except csv.Error as fault:
        raise DataError(f"{place}:{reader.line_num}: no table of labels ({fault})") from None
    if not rows:
        raise DataError(f"{place} holds no labels; write a header with the columns name and label, and a row a file")
    return list(rows.values())


def _columns(header: Sequence[str], place: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for number, title in enumerate(header):
        low = title.lower()
        meaning = "name" if low in _NAMES else low
        if meaning not in ("name", *_KNOWN) and not _SPLIT.fullmatch(meaning):
            near = difflib.get_close_matches(low, [*_NAMES, *_KNOWN, "split"], n=1, cutoff=_NEAR)
            if near:
                raise DataError(f"{place}: unknown column '{title}'; did you mean '{near[0]}'?")
            continue
        if meaning in found:
            raise DataError(f"{place}: two columns give the {meaning}")
        found[meaning] = number
    for needed, spelt in (("name", "'name', 'file' or 'filename'"), ("label", "'label'")):
        if needed not in found:
            there = ", ".join(title or "a nameless one" for title in header)[:100]
            raise DataError(f"{place}: no column {spelt}; there are {there}")
    return found


def _row(cells: Sequence[str], columns: Mapping[str, int], line: int, place: str) -> LabelRow:
    if len(cells) <= max(columns.values()):
        raise DataError(f"{place}:{line}: {len(cells)} columns, the header has more")
    found = {meaning: cells[number].strip() for meaning, number in columns.items()}
    parts = [part for part in found.pop("name").replace("\\", "/").split("/") if part not in ("", ".")]
    if not parts:
        raise DataError(f"{place}:{line}: the name is missing")
    return LabelRow(line, "/".join(parts), found)


def class_numbers(rows: Sequence[LabelRow], place: str) -> tuple[list[int], tuple[str, ...]]:
    """Label of each row, 0-based, and the class names: sorted, or in the order of their numbers.

    Raises:
        DataError: if a label is missing, numbers and names are mixed, or a number has no name of its own.
    """
    given = [row.cells["label"] for row in rows]
    are_numbers = [bool(_NUMBER.fullmatch(label)) for label in given]
    for row, label, is_number in zip(rows, given, are_numbers, strict=True):
        if not label:
            raise DataError(f"{place}:{row.line}: '{row.name}' has no label")
        if is_number != are_numbers[0]:
            kinds = ("a number", "names") if is_number else ("no number", "numbers")
            raise DataError(
                f"{place}:{row.line}: '{label}' is {kinds[0]}, the labels before it are {kinds[1]}; give all as names, "
                "or all as numbers"
            )
    if not are_numbers[0]:
        if "class_name" in rows[0].cells:
            raise DataError(f"{place}: column 'class_name' names labels that are numbers, these are names already")
        classes = {label: number for number, label in enumerate(sorted(set(given)))}
        return [classes[label] for label in given], tuple(classes)
    numbers = sorted({int(label) for label in given})
    order = {number: label for label, number in enumerate(numbers)}
    return [order[int(label)] for label in given], _class_names(rows, numbers, place)


def _class_names(rows: Sequence[LabelRow], numbers: Sequence[int], place: str) -> tuple[str, ...]:
    if "class_name" not in rows[0].cells:
        return tuple(f"class {number}" for number in numbers)
    names: dict[int, str] = {}
    for row in rows:
        number, name = int(row.cells["label"]), row.cells["class_name"]
        if not name or names.setdefault(number, name) != name:
            other = f"is called '{names[number]}' above" if name else "needs a class_name"
            raise DataError(f"{place}:{row.line}: label {number} {other}")
    if len(set(names.values())) < len(names):
        raise DataError(f"{place}: two labels have the same class_name; each needs its own")
    return tuple(names[number] for number in numbers)


def group_numbers(given: Sequence[str]) -> list[int]:
    """Numbers for subjects, cameras and the like: their own if all are numbers, else 1, 2, ... in sorted order.

    Args:
        given: cells of one column; an empty one is unknown, -1.
    """
    if all(_NUMBER.fullmatch(cell) for cell in given if cell):
        return [int(cell) if cell else -1 for cell in given]
    order = {cell: number for number, cell in enumerate(sorted(set(given) - {""}), 1)}
    return [order.get(cell, -1) for cell in given]


def protocol_parts(rows: Sequence[LabelRow], place: str) -> dict[str, list[bool]]:
    """Protocols the table gives, and whether each row trains in them.

    Raises:
        DataError: if a cell is neither train nor test, or nobody does one of the two.
    """
    found = {}
    for column in rows[0].cells:
        match = _SPLIT.fullmatch(column)
        if match is None:
            continue
        trains = [_trains(row, column, place) for row in rows]
        if len(set(trains)) < len((True, False)):
            raise DataError(f"{place}: by column '{column}' nobody {'tests' if trains[0] else 'trains'}")
        found[match[1] or "split"] = trains
    return found


def _trains(row: LabelRow, column: str, place: str) -> bool:
    cell = row.cells[column].lower()
    if cell in _VALIDATION:
        raise DataError(
            f"{place}:{row.line}: '{cell}' is no part of a protocol; call these recordings train, and let the recipe "
            "keep some of them for validation (data.validation), so that no choice is made with what tests"
        )
    if cell not in _PARTS:
        raise DataError(f"{place}:{row.line}: {column} is '{cell}', expected train or test{did_you_mean(cell, _PARTS)}")
    return _PARTS[cell]
