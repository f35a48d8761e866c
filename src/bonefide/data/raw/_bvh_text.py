# SPDX-License-Identifier: Apache-2.0
"""The text of BVH files: a hierarchy of joints with offsets and channels, then a line of numbers a frame."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np

from bonefide.errors import RawFileError
from bonefide.types import Array

__all__ = ["Hierarchy", "Motion", "parse_bvh"]

MOST_JOINTS = 1000
_CHANNELS = {f"{axis}{kind}".lower(): f"{axis}{kind}" for kind in ("position", "rotation") for axis in "XYZ"}
_MOTION = re.compile(rb"^[ \t]*MOTION[ \t]*$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """Joints in the order of the file, every parent before its children, ends of limbs among them.

    Args:
        names: of the joints.
        parents: of the joints; the root is its own.
        offsets: from the parent.
        channels: of each joint, such as "Xposition" or "Zrotation", in order; an end has none.
    """

    names: list[str] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    offsets: list[tuple[float, float, float]] = field(default_factory=list)
    channels: list[tuple[str, ...]] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Motion:
    """What the joints do.

    Args:
        values: a number for every channel of the hierarchy in every frame.
        seconds: from frame to frame; None if the file says none above 0.
        trailing: whether there are more numbers than frames declared.

    Shape:
        values: (T, D) float64.
    """

    values: Array
    seconds: float | None
    trailing: bool


def parse_bvh(content: bytes, path: str) -> tuple[Hierarchy, Motion]:
    """Parse a file.

    Args:
        content: of the file.
        path: its name, for errors.

    Raises:
        RawFileError: with code and line, see `BVH`.
    """
    content = content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if not content.strip():
        raise RawFileError("empty", "there is nothing in it", path=path)
    if b"\0" in content:
        raise RawFileError("encoding", "the file is not text", path=path)
    split = _MOTION.search(content)
    head = content[: split.start()] if split else content
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise RawFileError("encoding", f"not UTF-8 text at byte {fault.start}", path=path) from None
    hierarchy = _Parser(path).hierarchy(text)
    if split is None:
        raise RawFileError("truncated", "it ends without MOTION", path=path, line=text.count("\n") + 1)
    width = sum(map(len, hierarchy.channels))
    return hierarchy, _motion(content[split.end() :], width, path, head.count(b"\n") + 2)


class _Parser:
    """Reads the hierarchy word by word; what is open is a list, so that no depth of nesting harms."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.found = Hierarchy()
        self.line = 1
        self.name: str | None = None  # of the joint whose brace comes next
        self.stack: list[int] = []
        self.ends: set[int] = set()
        self.has_offset: set[int] = set()
        self.has_end: set[int] = set()

    def refuse(self, message: str, code: str = "hierarchy") -> NoReturn:
        raise RawFileError(code, message, path=self.path, line=self.line)

    def hierarchy(self, text: str) -> Hierarchy:
        started = False
        for number, line in enumerate(text.split("\n"), start=1):
            if not line or line.isspace():
                continue
            self.line = number
            for part in re.sub(r"([{}])", "\n\\1\n", line).split("\n"):
                words = part.split()
                if not words:
                    continue
                if not started:
                    if words[0].upper() != "HIERARCHY":
                        self.refuse(f"a BVH file begins with HIERARCHY, got {words[0]!r:.40}")
                    started, words = True, words[1:]
                if words:
                    self.statement(words)
        if self.stack or self.name is not None:
            self.refuse("it ends within the hierarchy: a brace is not closed", "truncated")
        if not self.found.names:
            self.refuse("there is no ROOT", "joints")
        return self.found

    def statement(self, words: list[str]) -> None:
        word = words[0].upper()
        if self.name is not None and word != "{":
            self.refuse(f"'{{' should follow {self.name!r:.40}, got {words[0]!r:.40}")
        if word in ("ROOT", "JOINT"):
            self.name = self.joint(word, " ".join(words[1:]))
        elif word == "END":
            self.name = self.end()
        elif word == "{":
            self.open()
        elif word == "}":
            self.close()
        elif word == "OFFSET":
            self.offset(words[1:])
        elif word == "CHANNELS":
            self.list_channels(words[1:])
        else:
            self.refuse(f"{words[0]!r:.40} is no word of a hierarchy")

    def joint(self, word: str, name: str) -> str:
        if word == "ROOT" and self.found.names:
            self.refuse("a second ROOT: several skeletons in one file are not read", "joints")
        if word == "JOINT" and (not self.stack or self.stack[-1] in self.ends):
            self.refuse("a JOINT outside the ROOT or in an End Site")
        if not name:
            self.refuse("a joint has no name", "joints")
        if name in self.found.names:
            self.refuse(f"two joints are called {name!r:.40}", "joints")
        return name

    def end(self) -> str:
        if not self.stack or self.stack[-1] in self.ends:
            self.refuse("an End Site outside the ROOT or in another")
        if self.stack[-1] in self.has_end:
            self.refuse("two End Sites of one joint")
        self.has_end.add(self.stack[-1])
        self.ends.add(len(self.found.names))
        name = f"{self.found.names[self.stack[-1]]}_end"
        if name in self.found.names:
            self.refuse(f"two joints are called {name!r:.40}", "joints")
        return name

    def open(self) -> None:
        if self.name is None:
            self.refuse("'{' without ROOT, JOINT or End Site before it")
        if len(self.found.names) >= MOST_JOINTS:
            self.refuse(f"more than {MOST_JOINTS} joints", "joints")
        place = len(self.found.names)
        self.found.parents.append(self.stack[-1] if self.stack else place)
        self.found.names.append(self.name)
        self.found.offsets.append((0.0, 0.0, 0.0))
        self.found.channels.append(())
        self.stack.append(place)
        self.name = None

    def close(self) -> None:
        if not self.stack:
            self.refuse("'}' closes nothing")
        place = self.stack.pop()
        if place not in self.has_offset:
            self.refuse(f"{self.found.names[place]!r:.40} has no OFFSET")
        if not self.found.channels[place] and place not in self.ends:
            self.refuse(f"{self.found.names[place]!r:.40} has no CHANNELS", "channels")

    def offset(self, words: list[str]) -> None:
        if not self.stack or self.stack[-1] in self.has_offset:
            self.refuse("an OFFSET that belongs to no joint, or a second one")
        if len(words) != 3:
            self.refuse(f"an OFFSET has 3 numbers, got {len(words)}", "number")
        x, y, z = (self.number(word) for word in words)
        self.found.offsets[self.stack[-1]] = (x, y, z)
        self.has_offset.add(self.stack[-1])

    def number(self, word: str) -> float:
        try:
            value = float(word) if "_" not in word else None
        except ValueError:
            value = None
        if value is None:
            self.refuse(f"{word!r:.40} is no number", "number")
        if not np.isfinite(value):
            self.refuse(f"{word!r:.40} is NaN or infinite", "nonfinite")
        return value

    def list_channels(self, words: list[str]) -> None:
        if not self.stack or self.stack[-1] in self.ends or self.found.channels[self.stack[-1]]:
            self.refuse("CHANNELS that belong to no joint, or a second time", "channels")
        names = tuple(_CHANNELS.get(word.lower(), "") for word in words[1:])
        if not words or words[0] != str(len(names)) or not 1 <= len(names) <= 6:
            self.refuse("CHANNELS should be 1 to 6, their number first", "channels")
        if "" in names or len(set(names)) < len(names):
            self.refuse(f"channels are {', '.join(_CHANNELS.values())}, each once", "channels")
        self.found.channels[self.stack[-1]] = names


def _motion(text: bytes, width: int, path: str, line: int) -> Motion:
    head = re.match(rb"\s*Frames\s*:\s*(\S*)[^\n]*\n\s*Frame\s+Time\s*:\s*(\S*)[^\n]*(?:\n|$)", text, re.IGNORECASE)
    if head is None:
        raise RawFileError("truncated", "`Frames:` and `Frame Time:` should follow MOTION", path=path, line=line)
    if not head[1].isdigit():
        raise RawFileError("number", f"Frames: {head[1].decode('ascii', 'replace')!r:.40}", path=path, line=line)
    frames = int(head[1]) if len(head[1].lstrip(b"0")) < 19 else 10**18
    if not frames:
        raise RawFileError("no_frames", "there is no frame in it", path=path, line=line)
    seconds = _number(head[2], path, line + 1)
    body = text[head.end() :]
    values = _values(body, path, line + 2)
    if frames * width > len(values):
        message = f"{frames} frames of {width} channels need {frames * width} numbers, there are {len(values)}"
        raise RawFileError("truncated", message, path=path)
    used = values[: frames * width].reshape(frames, width)
    return Motion(used, seconds if seconds > 0 else None, len(values) > used.size)


def _values(body: bytes, path: str, line: int) -> Array:
    words = body.split()
    try:
        if b"_" in body:
            raise ValueError("an underscore in a number")
        values = np.array(list(map(float, words)), dtype=np.float64)
    except ValueError:
        _refuse_word(body, path, line)
    if not np.isfinite(values).all():
        _refuse_word(body, path, line)
    return values


def _refuse_word(body: bytes, path: str, first: int) -> NoReturn:
    """Find the first word that is no number, for the error."""
    for line, text in enumerate(body.split(b"\n"), start=first):
        for word in text.split():
            _number(word, path, line)
    raise RawFileError("number", "something in the motion is no number", path=path)


def _number(word: bytes, path: str, line: int) -> float:
    try:
        value = float(word) if b"_" not in word else None
    except ValueError:
        value = None
    if value is None:
        raise RawFileError("number", f"{word.decode('ascii', 'replace')!r:.40} is no number", path=path, line=line)
    if not np.isfinite(value):
        raise RawFileError("nonfinite", f"{word.decode('ascii', 'replace')} is not finite", path=path, line=line)
    return value
