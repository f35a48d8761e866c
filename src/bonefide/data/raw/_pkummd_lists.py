# SPDX-License-Identifier: Apache-2.0
"""The texts beside PKU-MMD's videos: which actions are in them, and which videos train."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bonefide.data.raw._recording import RawInterval
from bonefide.errors import DataError

__all__ = ["Labels", "parse_labels", "parse_parts", "protocol_of"]

_CLASSES = 51
_LIST_NAME = re.compile(r"(?:.*[/\\])?cross[-_ ]?(?P<by>subject|view)(?:[-_ ]?v[12])?\.txt", re.IGNORECASE | re.DOTALL)
_PROTOCOLS = {"subject": "xsub", "view": "xview"}
_HEADING = re.compile(r"\b(?P<part>train|valid|test)\w*\s+videos?\s*:", re.IGNORECASE)


@dataclass(frozen=True)
class Labels:
    """The actions of one video.

    Args:
        intervals: those of the lines that can be used, in the order of the file.
        damaged: whether other lines were passed over.
    """

    intervals: tuple[RawInterval, ...]
    damaged: bool = False

    def within(self, frames: int) -> tuple[tuple[RawInterval, ...], tuple[str, ...]]:
        """The actions of a video of so many frames, and codes of what was tolerated.

        Actions that begin after its end are left out, those that end after it are cut there.
        """
        started = [each for each in self.intervals if each.first <= frames]
        cut = tuple(RawInterval(each.label, each.first, min(each.last, frames), each.line) for each in started)
        found = {
            "label_line": self.damaged or len(started) < len(self.intervals),
            "clamped": cut != tuple(started),
        }
        return cut, tuple(code for code, true in found.items() if true)


def parse_labels(content: bytes) -> Labels:
    """The lines `class,first,last,confidence` of a label file; lines that are none, or impossible, are passed over.

    Args:
        content: of the file; nothing in it is no action.
    """
    # Blank lines do not count: the official scripts number the rows that their reader returns.
    lines = [line for line in content.decode("utf-8-sig", "replace").splitlines() if line.strip()]
    found = [_interval(text, line) for line, text in enumerate(lines)]
    return Labels(tuple(each for each in found if each is not None), None in found)


def _interval(text: str, line: int) -> RawInterval | None:
    fields = re.split(r"\s*,\s*|\s+", text.strip())
    if len(fields) < 3 or not all(field.isascii() and field.isdigit() and len(field) < 10 for field in fields[:3]):
        return None
    action, first, last = map(int, fields[:3])
    return RawInterval(action - 1, first, last, line) if 1 <= action <= _CLASSES and first <= last else None


def protocol_of(member: str) -> str | None:
    """The protocol whose list a file is by its name; None if it is none."""
    match = _LIST_NAME.fullmatch(member)
    return None if match is None else _PROTOCOLS[match["by"].lower()]


def parse_parts(member: str, content: bytes) -> tuple[frozenset[str], frozenset[str]]:
    """Names of the videos that train and of those that validate.

    Args:
        member: name of the list, for errors.
        content: headings `Training videos:` and `Validataion videos:`, after each the names, separated by commas.

    Raises:
        DataError: if there is no list of training videos.
    """
    text = content.decode("utf-8-sig", "replace")
    headings = list(_HEADING.finditer(text))
    names: dict[bool, set[str]] = {True: set(), False: set()}
    for place, heading in enumerate(headings, start=1):
        end = headings[place].start() if place < len(headings) else len(text)
        tokens = re.split(r"[,\s]+", text[heading.end() : end])
        trains = heading["part"].lower() == "train"
        names[trains] |= {token.removesuffix(".txt") for token in tokens if token}
    if not names[True]:
        raise DataError(f"{member} names no training videos; an official list begins with 'Training videos:'")
    return frozenset(names[True]), frozenset(names[False])
