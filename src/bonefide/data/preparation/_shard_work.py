# SPDX-License-Identifier: Apache-2.0
"""What a worker does: read and prepare the recordings of one shard, and write it. Depends on nothing but its inputs."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from bonefide.data._shards import Entry, Shard, ShardFolder
from bonefide.data.datasets import Rule
from bonefide.data.label_table import LabelTable
from bonefide.data.preparation._preparation import CutsVideos, Preparation
from bonefide.data.raw._recording import FramesApart, RawFormat, RawRecording
from bonefide.data.raw._source import RawSource
from bonefide.data.store_info import LeftOut
from bonefide.errors import DataError, RawFileError
from bonefide.layouts import SkeletonLayout

__all__ = ["FOREIGN", "Content", "OnError", "ShardWork"]

OnError = Literal["skip", "raise"]
Content = bytes | RawFileError
"""A raw file that was read, or why it could not be."""

# Larger sets contain smaller ones, so these are counted, not listed: there may be more of them than of the others.
FOREIGN = "foreign"


@dataclass(frozen=True, eq=False)
class ShardWork:
    """Reads, prepares and writes shards; can be pickled and sent to another process or machine.

    Args:
        source: the raw files.
        reader: reads them.
        step: prepares what was read.
        only: which recordings belong to the data set; None if all do.
        missing: names of samples to leave out.
        table: labels, where the files do not have them.
        layout: of the raw joints, for preparations that ask for it.
        files: recording to its files, for formats that spread one over several.
        on_error: "skip" lists damaged recordings, "raise" stops at the first.
    """

    source: RawSource
    reader: RawFormat
    step: Preparation
    only: Rule | None = None
    missing: frozenset[str] = frozenset()
    table: LabelTable | None = None
    layout: SkeletonLayout | None = None
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    on_error: OnError = "skip"

    def narrowed(self, members: Sequence[str]) -> ShardWork:
        """The same work, knowing only the files of some recordings: small enough to be sent with each shard."""
        files = {member: self.files[member] for member in members} if self.files else {}
        return replace(self, source=self.source.narrowed(self.files_of(members)), files=files)

    def files_of(self, members: Sequence[str]) -> list[str]:
        """All files of some recordings."""
        return [name for member in members for name in self.files.get(member, (member,))]

    def write(
        self, folder: ShardFolder, part: range, members: Sequence[str], contents: Mapping[str, Content] | None = None
    ) -> range:
        """Make a shard and write it.

        Args:
            folder: of the shards.
            part: place of the recordings among all.
            members: their names.
            contents: their files, if they were read already.

        Returns:
            `part`.

        Raises:
            DataError: if this machine does not see the raw data or the folder.
            RawFileError: with `on_error="raise"`, at the first damaged recording.
            OutputError: if the shard cannot be written.
        """
        places = [folder.path, *(self.source.paths if contents is None else ())]
        for place in places:
            if not place.exists():
                raise DataError(
                    f"worker {platform.node()} does not see {place}; all workers need the raw data and --out under the "
                    "same paths, as on a shared disk"
                )
        folder.write(part, self.shard(members, contents))
        return part

    def shard(self, members: Sequence[str], contents: Mapping[str, Content] | None = None) -> Shard:
        """Read and prepare some recordings.

        Args:
            members: their names.
            contents: their files, if they were read already.

        Raises:
            RawFileError: with `on_error="raise"`, at the first damaged recording.
        """
        entries: list[Entry] = []
        left_out: list[LeftOut] = []
        noted = Counter[str]()
        for member in members:
            try:
                recording = self._read(member, contents)
                noted.update(recording.warnings)
                for piece in self._pieces(recording):
                    self._add(piece, member, entries, left_out, noted)
            except RawFileError as fault:
                self._leave_out(member, fault, left_out)
        return Shard(tuple(entries), tuple(left_out), noted)

    def _read(self, member: str, contents: Mapping[str, Content] | None) -> RawRecording:
        if self.files and isinstance(self.reader, FramesApart):
            files = {name: self._content(name, contents) for name in self.files[member]}
            recording = self.reader.read_files(member, files)
        else:
            recording = self.reader.read(member, self._content(member, contents))
        recording = recording if self.table is None else self.table.apply(recording)
        return recording if self.layout is None else replace(recording, layout=self.layout)

    def _content(self, name: str, contents: Mapping[str, Content] | None) -> bytes:
        content = self.source.read(name) if contents is None else contents[name]
        if isinstance(content, RawFileError):
            raise content
        return content

    def _pieces(self, recording: RawRecording) -> Iterator[RawRecording]:
        if self._cutting is None:
            yield recording
        else:
            yield from self._cutting.cut(recording)

    def _add(
        self, piece: RawRecording, member: str, entries: list[Entry], left_out: list[LeftOut], noted: Counter[str]
    ) -> None:
        """One sample, or the reason why there is none."""
        if self.only is not None and getattr(piece, self.only.by) not in self.only.train:
            noted[FOREIGN] += 1
        elif piece.name in self.missing:
            left_out.append(LeftOut(piece.name, "missing", "on the list of samples to leave out"))
        else:
            try:
                sequence = self.step(piece)
            except RawFileError as fault:
                self._leave_out(member if self._cutting is None else piece.name, fault, left_out)
                return
            entries.append(Entry(sequence, piece.subject, piece.camera, piece.setup, piece.repeat, piece.trains))

    @cached_property
    def _cutting(self) -> CutsVideos | None:
        return self.step if isinstance(self.step, CutsVideos) else None

    def _leave_out(self, name: str, fault: RawFileError, left_out: list[LeftOut]) -> None:
        if self.on_error == "raise":
            raise fault
        left_out.append(LeftOut(name, fault.code, str(fault)))
