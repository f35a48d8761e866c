# SPDX-License-Identifier: Apache-2.0
"""A run: one training, as a folder."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from bonefide.config.recipe import Recipe
from bonefide.errors import RunError

__all__ = ["Run", "find_runs"]

_FACTS = {"recipe", "run", "seed", "store", "preparation", "hashes"}


@dataclass(frozen=True)
class Run:
    """The folder of one training.

    | file | what |
    |---|---|
    | `recipe.yaml` | the resolved recipe of this run, every default written out |
    | `run.json` | recipe and run name, store, digests, when finished: epochs |
    | `log.csv` | one row an epoch |
    | `weights.safetensors` | the chosen weights; the header says where they come from |
    | `last.ckpt` | for resuming |
    | `scores.npz` | scores of the test samples by the chosen weights |
    | `validation_scores.npz` | the same of the validation samples, if the recipe keeps some |
    | `features.npz` | features of test samples and texts, of zero-shot runs |
    | `report.json` | the audit card |
    | `environment.json` | versions, device, threads |

    Args:
        folder: where it is.
    """

    folder: Path

    @classmethod
    def open(cls, folder: str | Path) -> Run:
        """An existing run.

        Raises:
            RunError: if the folder holds none.
        """
        run = cls(Path(folder))
        if not run.recipe_file.is_file():
            raise RunError(f"{folder}: no run here (no recipe.yaml); give the folder of one run, as `train` printed it")
        return run

    @property
    def recipe_file(self) -> Path:
        """The resolved recipe."""
        return self.folder / "recipe.yaml"

    @property
    def facts_file(self) -> Path:
        """Names, store and digests."""
        return self.folder / "run.json"

    @property
    def log_file(self) -> Path:
        """One row an epoch."""
        return self.folder / "log.csv"

    @property
    def weights_file(self) -> Path:
        """The chosen weights."""
        return self.folder / "weights.safetensors"

    @property
    def checkpoint_file(self) -> Path:
        """For resuming."""
        return self.folder / "last.ckpt"

    @property
    def lock_file(self) -> Path:
        """Held while it trains, so that nobody else trains it."""
        return self.folder / ".lock"

    @property
    def chosen_file(self) -> Path:
        """The weights a recipe with `select` other than "last" has chosen so far."""
        return self.folder / "chosen.safetensors"

    @property
    def validation_scores_file(self) -> Path:
        """Scores of the validation samples, if the recipe keeps some."""
        return self.folder / "validation_scores.npz"

    @property
    def scores_file(self) -> Path:
        """Scores of the test samples."""
        return self.folder / "scores.npz"

    @property
    def features_file(self) -> Path:
        """Features of test samples and texts, for pictures."""
        return self.folder / "features.npz"

    @property
    def report_file(self) -> Path:
        """The audit card."""
        return self.folder / "report.json"

    @property
    def environment_file(self) -> Path:
        """Versions and device."""
        return self.folder / "environment.json"

    @cached_property
    def recipe(self) -> Recipe:
        """The resolved recipe of this run.

        Raises:
            RunError: if it cannot be read.
        """
        try:
            return Recipe.model_validate(yaml.safe_load(self.recipe_file.read_text(encoding="utf-8")))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise _damaged(self.recipe_file) from error

    @cached_property
    def facts(self) -> dict[str, Any]:
        """`recipe` (name), `run` (name), `seed`, `store` (path), `hashes`.

        Raises:
            RunError: if they are missing or damaged.
        """
        if not self.facts_file.is_file():
            raise RunError(f"{self.folder}: unfinished run (no run.json); start the training again to continue it")
        try:
            facts = json.loads(self.facts_file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise _damaged(self.facts_file) from error
        if not isinstance(facts, dict) or not facts.keys() >= _FACTS:
            raise _damaged(self.facts_file)
        return facts

    @property
    def finished(self) -> bool:
        """Whether training went to its end."""
        return self.weights_file.is_file() and self.scores_file.is_file()

    def log(self) -> list[dict[str, float]]:
        """Rows of `log.csv`; empty cells are left out.

        Raises:
            RunError: if it holds anything but numbers.
        """
        if not self.log_file.is_file():
            return []
        try:
            with self.log_file.open(encoding="utf-8", newline="") as file:
                return [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)]
        except (OSError, ValueError, TypeError, csv.Error) as error:
            raise _damaged(self.log_file) from error


def find_runs(places: list[Path]) -> list[Run]:
    """All runs at or below some folders, in the order of their paths.

    Raises:
        RunError: if a place holds none.
    """
    found: dict[Path, Run] = {}
    for place in places:
        here = sorted(file.parent for file in place.rglob("recipe.yaml")) if place.is_dir() else []
        if not here:
            raise RunError(f"{place}: no run at or below this place; train one first, or check the path")
        found |= {folder: Run(folder) for folder in here}
    return list(found.values())


def _damaged(file: Path) -> RunError:
    return RunError(f"{file} is damaged or was written by another version of bonefide; train into another folder")
