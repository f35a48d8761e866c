# SPDX-License-Identifier: Apache-2.0
"""Raw files to be looked at: the right reader, even where it takes a layout that nobody named."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bonefide import layouts
from bonefide.data.preparation._placing import place_bodies
from bonefide.data.preparation._plain_steps import scene_of
from bonefide.data.preparation._planning import recordings_of
from bonefide.data.raw import names as formats
from bonefide.data.raw import reader
from bonefide.data.raw._recognition import recognize
from bonefide.data.raw._recording import FramesApart, Informed, RawFormat
from bonefide.data.raw._source import RawSource
from bonefide.errors import DataError, RawFileError
from bonefide.layouts import SkeletonLayout
from bonefide.types import Array

__all__ = ["RawPatient", "open_raw"]

_LAST, _VIDEOS = "arrays", "pkummd"
_MOST_JOINTS = 130
_TRIES = 5


@dataclass(frozen=True, eq=False)
class RawPatient:
    """Raw recordings and their reader.

    Args:
        source: the files.
        format: their format.
        reader: reads them.
        files: recording to its files.
        layout: of the joints; None where the format does not say it and nobody did.
    """

    source: RawSource
    format: str
    reader: RawFormat
    files: dict[str, tuple[str, ...]]
    layout: SkeletonLayout | None

    @property
    def names(self) -> list[str]:
        """Recordings, in order of their names."""
        return sorted(self.files)

    @property
    def takes_layout(self) -> bool:
        """Whether `prepare` must be told the layout."""
        return self.format == _LAST

    def order(self, names: list[str]) -> list[str]:
        """Recordings in the cheapest order to read them."""
        places = {file: place for place, file in enumerate(self.source.order(self.files[name][0] for name in names))}
        return sorted(names, key=lambda name: places[self.files[name][0]])

    def read(self, name: str) -> tuple[Array, Array, float | None]:
        """Joints (M, T, V, C), confidence (M, T, V) and frames per second of a recording.

        Raises:
            RawFileError: if it cannot be read.
        """
        if isinstance(self.reader, FramesApart):
            contents = {file: self.source.read(file) for file in self.files[name]}
            recording = self.reader.read_files(name, contents)
        else:
            recording = self.reader.read(name, self.source.read(name))
        return place_bodies(recording), scene_of(recording).confidence, recording.fps


@contextmanager
def open_raw(
    path: Path, *, layout: str | os.PathLike[str] | None = None, format: str | None = None
) -> Iterator[RawPatient]:
    """Raw recordings at a path, with the reader that fits.

    Args:
        path: a file, archive or folder.
        layout: name or YAML file, for formats that do not say it.
        format: of the files; None to recognise it.

    Raises:
        DataError: if no file is of a known format, or none can be read.
        UnknownNameError: if there is no such format or layout.
    """
    with RawSource(path) as source:
        name = format or _recognized(source)
        if name is None:
            there = ", such as '" + source.members[0][0] + "'" if source.members else ""
            raise DataError(f"{path}: none of {len(source.members)} files{there} is of a known raw format")
        given = None if layout is None else layouts.find(layout)
        fitting, declared = _fitting(source, name, given)
        files = recordings_of(source, fitting)
        if not files:
            raise DataError(f"{path}: no file is of format {name}")
        yield RawPatient(source, name, fitting, files, declared)


def _recognized(source: RawSource) -> str | None:
    known = tuple(name for name in formats() if name != _LAST)
    # The lists of PKU-MMD are text, as tables of coordinates are, and outnumber its videos.
    videos = any(reader(_VIDEOS).matches(name) for name, _ in source.members)
    return recognize(source, known if videos else (*known, _LAST))


def _fitting(source: RawSource, name: str, given: SkeletonLayout | None) -> tuple[RawFormat, SkeletonLayout | None]:
    plain = reader(name)
    if given is not None:
        if name != _LAST:
            raise DataError(f"{name} files say themselves which joints they have; leave the layout out")
        plain = dataclasses.replace(plain, layout=given)  # type: ignore[type-var]
    try:
        informed = plain.informed(source) if isinstance(plain, Informed) else plain
    except DataError:
        if name != _LAST or given is not None:
            # Labels and lists are not needed to look at joints.
            informed = plain
        else:
            return _any_layout(source, plain), None
    if name == _LAST and given is None:
        return informed, None
    return informed, layouts.layout(informed.layout) if isinstance(informed.layout, str) else informed.layout


def _any_layout(source: RawSource, plain: RawFormat) -> RawFormat:
    """A reader of arrays whose layout is not told: of one with the right number of joints, or of no name."""
    members = [name for name, _ in source.members if plain.matches(name)][:_TRIES]
    named = [layouts.layout(name) for name in layouts.names()]
    unnamed = [_nameless(count) for count in range(1, _MOST_JOINTS)]
    fault = DataError("no file is there")
    for member in members:
        try:
            content = source.read(member)
        except RawFileError as found:
            fault = found
            continue
        for each in (*named, *unnamed):
            fitting: RawFormat = dataclasses.replace(plain, layout=each)  # type: ignore[type-var]
            try:
                fitting.read(member, content)
            except RawFileError as found:
                fault = found
                continue
            return fitting
    raise fault


def _nameless(count: int) -> SkeletonLayout:
    numbers = tuple(range(count))
    return SkeletonLayout(f"{count} joints", tuple(map(str, numbers)), (0, *numbers[:-1]), numbers)
