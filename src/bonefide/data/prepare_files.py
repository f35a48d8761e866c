# SPDX-License-Identifier: Apache-2.0
"""Raw files to sequences, one by one, without a store: what a recogniser looks at."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from bonefide import layouts
from bonefide.data.doctor._raw import open_raw
from bonefide.data.preparation._preparation import ChangesJoints, Preparation, Reorders
from bonefide.data.preparation._shard_work import ShardWork
from bonefide.data.raw._recording import FramesApart
from bonefide.data.store_info import LeftOut
from bonefide.errors import DataError
from bonefide.layouts import SkeletonLayout
from bonefide.types import SkeletonSequence

__all__ = ["prepare_files"]


def prepare_files(
    path: str | os.PathLike[str],
    step: Preparation,
    *,
    layout: str | os.PathLike[str] | None = None,
    format: str | None = None,
) -> Iterator[SkeletonSequence | LeftOut]:
    """Read and prepare what lies at a path, a recording at a time.

    Args:
        path: a raw file of any format, or an archive or folder of such.
        step: the preparation.
        layout: name of the raw joints' layout or a YAML file, for formats that do not say it.
        format: of the files; None to recognise it.

    Yields:
        A sequence, or why a recording gives none. Labels are those of the files, -1 where they have none.

    Raises:
        DataError: if nothing is there, or the files have other joints than the preparation takes.
        UnknownNameError: if there is no such layout or format.

    Example:
        >>> import numpy as np, tempfile
        >>> from bonefide.data.preparation import preparation
        >>> from bonefide.data.synthetic.perform import perform
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.save(f"{folder}/wave.npy", perform("wave"))
        ...     (found,) = prepare_files(f"{folder}/wave.npy", preparation("plain"), layout="ntu25")
        >>> found.name, found.joints.shape[2:]
        ('wave', (25, 3))
    """
    place = os.path.expanduser(path)
    with open_raw(Path(place), layout=layout, format=format) as raw:
        if raw.layout is None:
            raise DataError(f"{path}: {raw.format} files do not say which joints they have; name their layout")
        _refuse_other_joints(place, raw.layout, step)
        work = ShardWork(
            raw.source,
            raw.reader,
            step,
            layout=raw.layout if isinstance(step, ChangesJoints) else None,
            files=raw.files if isinstance(raw.reader, FramesApart) else {},
        )
        for name in raw.order(raw.names):
            shard = work.shard([name])
            yield from (entry.sequence for entry in shard.entries)
            yield from shard.left_out


def _refuse_other_joints(place: str, raw: SkeletonLayout, step: Preparation) -> None:
    taken = step.takes if isinstance(step, Reorders) else step.layout
    if not isinstance(step, ChangesJoints) and taken and layouts.layout(taken).joints != raw.joints:
        raise DataError(f"{place}: its {len(raw.joints)} joints are {raw.name}, but this preparation takes {taken}")
