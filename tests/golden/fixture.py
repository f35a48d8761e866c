# SPDX-License-Identifier: Apache-2.0
"""One golden fixture: arrays made by the official code, and what its makers say about them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bonefide.types import Array

__all__ = ["Fixture"]


class _Arrays(Mapping[str, Array]):
    """The arrays of an .npz, read one by one when asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with np.load(path, allow_pickle=False) as archive:
            self._names = tuple(name for name in archive.files if name != "meta")

    def __getitem__(self, name: str) -> Array:
        if name not in self._names:
            raise KeyError(f"{self._path.name} has no '{name}'; it has {', '.join(self._names)}")
        with np.load(self._path, allow_pickle=False) as archive:
            return archive[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True)
class Fixture:
    """What a check is given.

    Args:
        path: the .npz.
        archives: data set to where its archive of real recordings should be.
    """

    path: Path
    archives: Mapping[str, Path] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The file's name without its ending; its beginning decides which check claims it."""
        return self.path.stem

    @cached_property
    def arrays(self) -> Mapping[str, Array]:
        """The arrays `input/...` and `output/...`, each read when asked for."""
        return _Arrays(self.path)

    @cached_property
    def meta(self) -> dict[str, Any]:
        """What it is, its configuration and tolerance; empty if it does not say."""
        with np.load(self.path, allow_pickle=False) as archive:
            meta: dict[str, Any] = json.loads(str(archive["meta"])) if "meta" in archive.files else {}
        return meta

    def sibling(self, filename: str) -> Path:
        """A file beside this one, such as the raw archive it was made from."""
        path = self.path.parent / filename
        if not path.is_file():
            pytest.fail(f"{self.path} needs {filename} beside it: copy both")
        return path

    def real_archive(self, dataset: str) -> Path:
        """The archive of real recordings this fixture was made from; skips where it is absent."""
        path = self.archives[dataset]
        if not path.exists():
            pytest.skip(
                f"real recordings are absent: no {path}; give the place by --{dataset} or BONEFIDE_{dataset.upper()}"
            )
        return path
