# SPDX-License-Identifier: Apache-2.0
"""Forms whose names say nothing: clips with a table of labels beside them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from pathlib import Path

from bonefide.data.synthetic.form import Order, write_zip
from bonefide.data.synthetic.take import Take, trains

__all__ = ["label_table", "write_clips"]


def label_table(rows: Iterable[tuple[str, Take, int]]) -> tuple[str, bytes]:
    r"""Name and content of `labels.csv`: name, label (name of the class), subject, camera, split (train or test).

    Args:
        rows: name of the clip, the recording it is of, number of the person it shows first.

    Example:
        >>> label_table([("a", Take("bow", 2, 1, 3, 0), 2)])
        ('labels.csv', b'name,label,subject,camera,split\na,bow,2,3,test\n')
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("name", "label", "subject", "camera", "split"))
    for name, take, person in rows:
        writer.writerow((name, take.action, person, take.camera, "train" if trains(take.subject) else "test"))
    return "labels.csv", text.getvalue().encode("ascii")


def write_clips(order: Order, out: Path, files: Callable[[Take], Iterable[tuple[str, bytes]]]) -> None:
    """Write a zip archive of clips, in the order of their names, and their table.

    Args:
        order: what was asked for.
        out: path of the archive.
        files: names and contents of the files of one clip.

    Raises:
        OutputError: if it cannot be written; what stood there before is kept.
    """
    recordings = sorted(order.takes(), key=lambda take: take.clip_name)
    table = label_table((take.clip_name, take, take.subject) for take in recordings)
    write_zip(out, recordings, files, order.progress, table=table)
