# SPDX-License-Identifier: Apache-2.0
"""Text banks from files that `bonefide embed` wrote; nothing of an encoder is needed to read them."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from bonefide.errors import DataError
from bonefide.text.bank import TextBank
from bonefide.text.write_bank import FACTS, FORMAT
from bonefide.types import Array

__all__ = ["read_bank"]


def read_bank(file: str | Path) -> TextBank:
    """Read a text bank.

    Args:
        file: a `.npz` of `bonefide embed`.

    Raises:
        DataError: if it is missing, damaged, or something else.
    """
    file = Path(file)
    if not file.is_file():
        raise DataError(f"{file}: no texts here; `bonefide embed DATASET --out {file.name}` makes them")
    try:
        with np.load(file, allow_pickle=False) as stored:
            if FACTS not in stored.files:
                raise DataError(
                    f"{file}: these are not texts of bonefide; if it holds vectors of classes, "
                    f"`bonefide embed DATASET --from {file.name} --out FILE.npz` takes them over"
                )
            facts = json.loads(str(stored[FACTS]))
            if facts["format"] != FORMAT:
                raise DataError(f"{file}: texts of format {facts['format']}, this version reads {FORMAT}")
            return _bank(facts, {kind: _vectors(stored[kind]) for kind in facts["kinds"]})
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, BadZipFile, zlib.error) as error:
        raise DataError(f"{file}: not a file of texts ({error}); make it again by `bonefide embed`") from error


def _vectors(stored: Array) -> Array:
    vectors = stored.astype(np.float32)
    if not np.isfinite(vectors).all():
        raise ValueError("some numbers are not finite")
    return vectors


def _bank(facts: dict[str, Any], embeddings: dict[str, Array]) -> TextBank:
    prompts = {kind: tuple(map(tuple, rows)) for kind, rows in facts["prompts"].items()}
    return TextBank(tuple(facts["classes"]), embeddings, prompts, facts["encoder"], facts["origin"])
