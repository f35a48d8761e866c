# SPDX-License-Identifier: Apache-2.0
"""What can be measured, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bonefide.benchmark.adapter import measure_adapter
from bonefide.benchmark.contrast import measure_contrast
from bonefide.benchmark.descriptors import measure_descriptors
from bonefide.benchmark.exported import measure_exported
from bonefide.benchmark.loading import measure_feeders, measure_loader
from bonefide.benchmark.preparing import FEWEST_FILES, measure_prepare
from bonefide.benchmark.pretraining import measure_pretraining
from bonefide.benchmark.speed import encoder_subject, measure_speed, recipe_subjects
from bonefide.benchmark.startup import measure_startup
from bonefide.benchmark.store import measure_store, store_or_random
from bonefide.benchmark.table import Table
from bonefide.benchmark.variants import VARIANTS, Variant
from bonefide.benchmark.zero_shot import measure_zero_shot
from bonefide.config import components, load
from bonefide.errors import BonefideError, UnknownNameError

__all__ = ["GROUPS", "Settings", "plan"]

GROUPS = ("startup", "prepare", "descriptors", "store", "loading", "training", "csre", "stjd", "zeroshot", "encoders")


@dataclass(frozen=True)
class Settings:
    """How to measure.

    Args:
        rounds: of each measurement, at least 1.
        device: where networks compute, as torch names it.
        store: what to read from; None makes a temporary one of random sequences.
        sequences: in that one, at least 4.
        batch_size: of networks, at least 1.
        files: to prepare, at least 4.
        variants: how networks are run; None for all of them where one network is asked for, else eager only.

    Raises:
        BonefideError: if a number is too small.
    """

    rounds: int = 7
    device: str = "cpu"
    store: Path | None = None
    sequences: int = 1000
    batch_size: int = 4
    files: int = 300
    variants: tuple[Variant, ...] | None = None

    def __post_init__(self) -> None:
        for name, least in (("rounds", 1), ("sequences", 4), ("batch_size", 1), ("files", FEWEST_FILES)):
            if getattr(self, name) < least:
                raise BonefideError(f"{name} must be at least {least}, got {getattr(self, name)}")


def plan(what: str, settings: Settings) -> dict[str, Callable[[], Table]]:
    """The measurements a name stands for; nothing is measured yet.

    Args:
        what: "all", one of `GROUPS`, an encoder, a recipe, or a folder of runs.
        settings: how.

    Raises:
        UnknownNameError: if it is none of these.
        BonefideError: if it is a folder, and no store is given.
    """
    if what in components.names("encoders"):
        return {what: partial(_encoders, (what,), settings)}
    if what in load.names() or Path(what).suffix in {".yaml", ".yml"}:
        return {what: partial(_recipe, what, settings)}
    if what not in {"all", *GROUPS} and Path(what).is_dir():
        return {"exported": _exported(Path(what), settings)}
    if what not in {"all", *GROUPS}:
        raise UnknownNameError(
            "things to measure", what, {"all", *GROUPS, *components.names("encoders"), *load.names()}
        )
    rounds = settings.rounds
    measurements: dict[str, dict[str, Callable[[], Table]]] = {
        "startup": {"startup": partial(measure_startup, rounds=rounds)},
        "prepare": {"prepare": partial(measure_prepare, rounds=rounds, files=settings.files)},
        "descriptors": {"descriptors": partial(measure_descriptors, rounds=rounds)},
        "store": {"store": partial(_store, settings)},
        "loading": {"feeders": partial(measure_feeders, rounds=rounds), "loader": partial(_loader, settings)},
        "training": {"training": partial(measure_adapter, rounds=rounds, device=settings.device)},
        "csre": {"csre": partial(measure_contrast, rounds=rounds, device=settings.device)},
        "stjd": {"stjd": partial(measure_pretraining, rounds=rounds, device=settings.device)},
        "zeroshot": {"zeroshot": partial(measure_zero_shot, rounds=rounds, device=settings.device)},
        "encoders": {"networks": partial(_encoders, components.names("encoders"), settings)},
    }
    chosen = GROUPS if what == "all" else (what,)
    return {name: task for group in chosen for name, task in measurements[group].items()}


def _store(settings: Settings) -> Table:
    with store_or_random(settings.store, sequences=settings.sequences) as store:
        return measure_store(store, rounds=settings.rounds)


def _loader(settings: Settings) -> Table:
    with store_or_random(settings.store, sequences=settings.sequences) as store:
        return measure_loader(store, rounds=settings.rounds)


def _exported(place: Path, settings: Settings) -> Callable[[], Table]:
    if settings.store is None:
        raise BonefideError(f"{place} is a folder: give --store, the data that its runs were trained with")
    return partial(measure_exported, place, settings.store, rounds=settings.rounds, batch_size=settings.batch_size)


def _encoders(names: tuple[str, ...], settings: Settings) -> Table:
    subjects = [encoder_subject(name, batch_size=settings.batch_size) for name in names]
    usual: tuple[Variant, ...] = VARIANTS if len(names) == 1 else ("eager",)
    return measure_speed(subjects, rounds=settings.rounds, device=settings.device, variants=settings.variants or usual)


def _recipe(name: str, settings: Settings) -> Table:
    subjects = recipe_subjects(name, batch_size=settings.batch_size)
    return measure_speed(
        subjects, rounds=settings.rounds, device=settings.device, variants=settings.variants or VARIANTS
    )
