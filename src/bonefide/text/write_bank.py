# SPDX-License-Identifier: Apache-2.0
"""Text banks to files: NumPy arrays, and what there is to say about them as JSON."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np

from bonefide.text.bank import TextBank
from bonefide.types import Array
from bonefide.writing import write_file

__all__ = ["FACTS", "FORMAT", "write_bank"]

FACTS = "facts"
"""Name of the array that holds the facts; the other arrays are named by their kinds."""

FORMAT = 1

_ALLOWED_COSINE = 1e-5


def write_bank(bank: TextBank, file: str | Path) -> None:
    """Write a text bank, all or nothing.

    The vectors are kept in half precision where that leaves each a cosine of at least 0.99999 with what it was, which
    is to say nearly always, and in single precision otherwise.

    Args:
        bank: what to write.
        file: a `.npz` that `bonefide.text.read_bank` and plain `numpy.load` read; no pickles in it.

    Raises:
        OutputError: if the place cannot be written.

    Example:
        >>> import tempfile
        >>> from bonefide.text.read_bank import read_bank
        >>> bank = TextBank(("sit", "stand"), {"name": np.eye(2, dtype=np.float32)[:, None]}, {}, "one-hot")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_bank(bank, f"{folder}/texts.npz")
        ...     read_bank(f"{folder}/texts.npz").of("name").tolist()
        [[[1.0, 0.0]], [[0.0, 1.0]]]
    """
    facts = {
        "format": FORMAT,
        "classes": bank.classes,
        "kinds": bank.kinds,
        "prompts": dict(bank.prompts),
        "encoder": bank.encoder,
        "origin": dict(bank.origin),
    }
    arrays = {kind: _compact(vectors) for kind, vectors in bank.embeddings.items()}
    content = io.BytesIO()
    arrays[FACTS] = np.array(json.dumps(facts, ensure_ascii=False))
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]  # no kind is named like its one other argument
    write_file(Path(file), content.getvalue())


def _compact(vectors: Array) -> Array:
    exact = vectors.astype(np.float32)
    with np.errstate(over="ignore"):
        halved = exact.astype(np.float16)
    near = halved.astype(np.float32)
    lengths = np.linalg.norm(exact, axis=-1) * np.linalg.norm(near, axis=-1)
    with np.errstate(invalid="ignore"):
        lost = lengths - (exact * near).sum(-1)
    fits = np.isfinite(near).all() and (lost <= _ALLOWED_COSINE * lengths).all()
    # A vector that rounds to zero has no direction left.
    fits = fits and not (near.any(-1) != exact.any(-1)).any()
    return halved if fits else exact
