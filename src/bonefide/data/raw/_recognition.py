# SPDX-License-Identifier: Apache-2.0
"""Which format raw files have: by their names, and where names do not tell, by what stands in the first ones."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import islice

from bonefide.data.raw import names, reader
from bonefide.data.raw._source import RawSource
from bonefide.errors import RawFileError

__all__ = ["likely_formats", "recognize"]

_LOOKS = 5
_TELLING = {
    "openpose": rb'"pose_keypoints_[23]d"\s*:',
    "nwucla": rb'"skeletons"\s*:',
    "mediapipe": rb'"(?:pose_?(?:world_?)?landmarks|(?:world_?)?landmarks?)"\s*:',
    "coco": rb'"(?:instance_info|instances|keypoints)"\s*:',
}
"""What only stands in the JSON of one format, the most telling first."""
_PATTERNS = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in _TELLING.items()}
_OPEN_NAMES = {"coco", "mediapipe"}
"""Formats whose files may have any name that ends in `.json`."""
_TABLES = {"arrays"}
"""Formats some of whose files are of a kind, `.csv`, that also lies beside others as a table of labels."""


def recognize(source: RawSource, formats: Sequence[str]) -> str | None:
    """Which of some formats the files of a source have.

    That which most names fit, the first of equals; JSON files of any name are looked into, a few at most.

    Args:
        source: the raw files.
        formats: names of readers, the likeliest first.

    Returns:
        The name of one, or None if no file is of any.

    Example:
        >>> import json, pathlib, tempfile
        >>> clip = json.dumps([{"image_id": 0, "keypoints": [1, 1, 1] * 17}])
        >>> folder = tempfile.mkdtemp()
        >>> _ = pathlib.Path(folder, "wave.json").write_text(clip)
        >>> recognize(RawSource(folder), ("mediapipe", "bvh", "coco"))
        'coco'
    """
    members = [name for name, _ in source.members]
    counts = {name: sum(map(reader(name).matches, members)) for name in formats}
    by_name = _most({name: count for name, count in counts.items() if name not in _OPEN_NAMES})
    found = _most(counts)
    if found not in _OPEN_NAMES or len(formats) == 1:
        return found
    return _by_content(source, found, formats) or by_name


def likely_formats(member: str, content: bytes) -> tuple[str, ...]:
    """Formats that a single file may have, the likeliest first.

    Args:
        member: its name.
        content: its bytes, or the first of them.

    Returns:
        Names of readers; several if neither name nor content decides, none if it is of no format known.

    Example:
        >>> likely_formats("wave.json", b'[{"image_id": "12.jpg", "keypoints": [3, 4, 1]}]')
        ('coco',)
        >>> likely_formats("wave.bvh", b"")
        ('bvh',)
    """
    fitting = [name for name in names() if reader(name).matches(member)]
    if member.lower().endswith(".json"):
        told = _told_by(content)
        return (told,) if told else tuple(sorted(fitting, key=_OPEN_NAMES.__contains__))
    if not fitting and re.match(rb"\s*HIERARCHY\s", content.removeprefix(b"\xef\xbb\xbf")[:100], re.IGNORECASE):
        return ("bvh",)
    return tuple(fitting)


def _most(counts: Mapping[str, int]) -> str | None:
    best = max(counts, key=lambda name: (counts[name], name not in _TABLES), default=None)
    return best if best is not None and counts[best] else None


def _by_content(source: RawSource, found: str, formats: Sequence[str]) -> str | None:
    """What the first of a few files tells."""
    matches = reader(found).matches
    members = source.order(name for name, _ in source.members if matches(name))
    for _, content in islice(source.stream(members), _LOOKS):
        told = None if isinstance(content, RawFileError) else _told_by(content)
        if told in formats:
            return told
    return None


def _told_by(content: bytes) -> str | None:
    """The format that a JSON file's keys tell."""
    return next((name for name, pattern in _PATTERNS.items() if pattern.search(content)), None)
