# SPDX-License-Identifier: Apache-2.0
"""Vectors of classes that others computed, as NumPy archives, to text banks."""

from __future__ import annotations

import difflib
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from bonefide.errors import DataError, did_you_mean
from bonefide.text.bank import TextBank
from bonefide.types import Array

__all__ = ["read_arrays"]

_NAMES = "class_names"
_ALIKE = 0.6
# What others call our kinds, in files that are about.
_OURS = {
    "names": "name",
    "label": "name",
    "labels": "name",
    "action_description": "definition",
    "motion_description": "motion",
    "temporal_phase1": "temporal_1",
    "temporal_phase12": "temporal_12",
    "temporal_phase123": "temporal_123",
}


def read_arrays(
    file: str | Path, classes: Sequence[str], *, kinds: Mapping[str, str] | None = None, encoder: str = ""
) -> TextBank:
    """Take vectors over, with nothing known of their sentences.

    Args:
        file: a `.npz` without pickles. It may hold `class_names`, to see that its rows are in the order of `classes`.
        classes: names, K of them, in the order of the rows.
        kinds: kind of sentences to the name of its array; all arrays of numbers if left out, kinds named like them, or
            like ours where another name of ours is known.
        encoder: what made them, in words; the name of the file if left out.

    Shape:
        arrays: (K, E), or (K, P, E) with P sentences a class; any floating-point type.

    Raises:
        DataError: if the file is missing or damaged, lacks an array, has two of one kind, or is of other classes.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.savez(f"{folder}/theirs.npz", vitb32=np.eye(2), class_names=["sit", "stand"])
        ...     bank = read_arrays(f"{folder}/theirs.npz", ["sit", "stand"], kinds={"name": "vitb32"})
        >>> bank.of("name").shape, bank.encoder
        ((2, 1, 2), 'theirs.npz')
    """
    file = Path(file)
    if not file.is_file():
        raise DataError(f"{file}: no such file; give a .npz with vectors of the classes")
    try:
        with np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, BadZipFile, zlib.error) as error:
        raise DataError(f"{file}: not a NumPy archive without pickles ({error})") from error
    if _NAMES in arrays:
        _compare(file, [str(name) for name in arrays[_NAMES].reshape(-1)], classes)
    wanted = kinds or _all(file, arrays)
    if not wanted:
        raise DataError(f"{file}: holds no vectors; it has: {', '.join(arrays) or 'nothing'}")
    embeddings = {kind: _vectors(file, arrays, name, len(classes)) for kind, name in wanted.items()}
    return TextBank(tuple(classes), embeddings, {}, encoder or file.name, {"sentences": f"unknown, from {file.name}"})


def _all(file: Path, arrays: Mapping[str, Array]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, array in arrays.items():
        if not np.issubdtype(array.dtype, np.floating) or array.ndim < 2:
            continue
        kind = _OURS.get(name, name)
        if kind in found:
            raise DataError(
                f"{file}: '{found[kind]}' and '{name}' are both of kind '{kind}'; say which array is of which kind, "
                f"as in --kinds {kind}={name}"
            )
        found[kind] = name
    return found


def _vectors(file: Path, arrays: Mapping[str, Array], name: str, classes: int) -> Array:
    if name not in arrays:
        raise DataError(f"{file}: no array '{name}'{did_you_mean(name, arrays)}; it has: {', '.join(arrays)}")
    array = arrays[name]
    if array.ndim not in {2, 3} or len(array) != classes or not np.issubdtype(array.dtype, np.floating):
        raise DataError(
            f"{file}: '{name}' must be numbers (K={classes}, E) or (K={classes}, P, E), got {array.dtype} {array.shape}"
        )
    vectors: Array = array.astype(np.float32).reshape(classes, -1, array.shape[-1])
    if not np.isfinite(vectors).all():
        raise DataError(f"{file}: some numbers of '{name}' are not finite")
    return vectors


def _compare(file: Path, theirs: Sequence[str], ours: Sequence[str]) -> None:
    """Names may be spelt a little differently; rows in another order, or of other classes, are a mistake."""
    if len(theirs) != len(ours):
        raise DataError(f"{file}: is of {len(theirs)} classes, not of {len(ours)}")
    known = {_plain(name) for name in ours}
    for row, (their, our) in enumerate(zip(theirs, ours, strict=True)):
        first, second = _plain(their), _plain(our)
        alike = difflib.SequenceMatcher(None, first, second).ratio() >= _ALIKE
        if first != second and (first in known or not alike):
            raise DataError(
                f"{file}: row {row} is of '{their}', where '{our}' belongs; give the names of its classes in its order"
            )


def _plain(name: str) -> str:
    return " ".join(name.lower().replace("_", " ").split())
