# SPDX-License-Identifier: Apache-2.0
"""The form `ntu`: a zip of `.skeleton` files as NTU RGB+D comes in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bonefide.data.synthetic.form import LABELS, Form, Order, write_zip
from bonefide.data.synthetic.ntu_text import skeleton_text
from bonefide.data.synthetic.sensor import observe
from bonefide.data.synthetic.take import Take

__all__ = ["NTU"]


def _write(order: Order, out: Path) -> None:
    write_zip(out, sorted(order.takes(), key=lambda take: take.ntu_name), _files, order.progress)


def _files(take: Take) -> Iterator[tuple[str, bytes]]:
    seen = take.seen()
    text = skeleton_text(observe(seen, take.generator()), seen.shape[1])
    yield f"{take.ntu_name}.skeleton", text.encode("ascii")


NTU = Form(_write, {action: label + 1 for action, label in LABELS.items()}, 106, 999)
"""Every action; with everything that goes wrong in front of a sensor."""
