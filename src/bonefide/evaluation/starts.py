# SPDX-License-Identifier: Apache-2.0
"""Trainings on labels that differ in nothing but the weights they started from, and the pre-trainings behind those."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from bonefide.config import load
from bonefide.config.components import component
from bonefide.config.recipe import Component, Recipe
from bonefide.errors import BonefideError, RunError
from bonefide.evaluation._content import paper_name
from bonefide.evaluation.audit import AuditCard
from bonefide.evaluation.compare import Disagreement, disagreement
from bonefide.evaluation.hits import unpack_hits

__all__ = ["RANDOM", "Change", "Task", "Trial", "changes", "trials_of"]

RANDOM = "random weights"
"""The start of a training that has none."""


@dataclass(frozen=True)
class Trial:
    """A card, and the recipe behind it, which is that of its digest.

    Args:
        card: of a run.
        recipe: of that run alone.
    """

    card: AuditCard
    recipe: Recipe

    @property
    def start(self) -> str:
        """What it started from, in words."""
        if not self.card.start:
            return RANDOM
        recipe = _pretraining(self.card)
        if recipe is None:
            return str(self.card.start.get("recipe") or self.card.start.get("weights"))
        run = str(self.card.start.get("run", "main"))
        return paper_name(recipe.paper) + (f", {run}" if run != "main" else "")

    @property
    def frames(self) -> int | None:
        """Length of its clips, if its transforms say it."""
        named = [each.options.get("frames") for each in self.recipe.data.train]
        return next((number for number in reversed(named) if isinstance(number, int)), None)

    @property
    def passes(self) -> int:
        """How often it saw every training sample it was given."""
        return self.card.epochs * self.recipe.data.repeat


@dataclass(frozen=True)
class Task:
    """What was done with weights, from each start.

    Args:
        name: in words.
        starts: trainings by what they started from, random weights first, those of a start by seed.
    """

    name: str
    starts: dict[str, list[Trial]]

    @property
    def first(self) -> Trial:
        """What all have in common can be read from it."""
        return next(iter(self.starts.values()))[0]


@dataclass(frozen=True)
class Change:
    """Two trainings of one seed from different starts.

    Args:
        points: accuracy of the second minus that of the first.
        disagreement: samples that only one has right.
        seed: of both.
    """

    points: float
    disagreement: Disagreement
    seed: int


def trials_of(cards: Iterable[AuditCard]) -> tuple[list[Task], list[Trial], list[AuditCard]]:
    """What follows pre-trainings, and those.

    Trainings belong to one task if their recipes differ in the options of the method and the start alone, and they were
    tested on the same samples. Cards of recipes in which nothing started from a pre-training are passed over, and so
    are zero-shot ones.

    Args:
        cards: any.

    Returns:
        The tasks and the pre-trainings, in an order that depends on the cards alone, and those cards that have no place
        because their recipe is not, or no longer, one of this package, or test labels chose their weights.

    Raises:
        RunError: if two different cards stand for the same training.
    """
    every = [card for _, card in sorted({repr(card): card for card in cards}.items()) if not card.classes]
    follow = {card.recipe for card in every if not card.neighbors and _pretraining(card) is not None}
    trials, left = [], []
    for card in every:
        if card.neighbors or card.recipe in follow:
            recipe = _recipe_of(card)
            if recipe is None or card.accuracy is None or not card.hits:
                left.append(card)
            else:
                trials.append(Trial(card, recipe))
    pretrained = sorted((trial for trial in trials if trial.card.neighbors), key=_order)
    return _tasks([trial for trial in trials if not trial.card.neighbors]), pretrained, left


def changes(first: Sequence[Trial], second: Sequence[Trial]) -> list[Change]:
    """Trainings of equal seeds side by side.

    Raises:
        ScoresError: if the record of right samples on a card is damaged.
    """
    before = {trial.card.seeds: trial.card for trial in first}
    return [_change(before[trial.card.seeds], trial.card) for trial in second if trial.card.seeds in before]


def _change(first: AuditCard, second: AuditCard) -> Change:
    assert first.accuracy is not None
    assert second.accuracy is not None
    hits = [unpack_hits(card.hits, card.test_samples) for card in (first, second)]
    return Change(second.accuracy - first.accuracy, disagreement(*hits), second.seeds[0])


def _tasks(trials: list[Trial]) -> list[Task]:
    found: dict[tuple[object, ...], dict[str, list[Trial]]] = {}
    for trial in sorted(trials, key=_order):
        found.setdefault(_what_is_equal(trial), {}).setdefault(trial.start, []).append(trial)
    tasks = []
    for starts in found.values():
        for same in starts.values():
            seeds = [trial.card.seeds for trial in same]
            if twice := next((seed for seed in seeds if seeds.count(seed) > 1), None):
                card = same[0].card
                raise RunError(
                    f"two cards of {card.recipe}, {card.run}, seed {', '.join(map(str, twice))} or its like from one "
                    "start; keep one of them"
                )
        ordered = sorted(starts, key=lambda start: start != RANDOM)
        tasks.append(Task(_name(next(iter(starts.values()))[0]), {start: starts[start] for start in ordered}))
    return tasks


def _name(trial: Trial) -> str:
    kind = "linear" if trial.recipe.method.name == "linear_probe" else "fine-tuned"
    share = trial.recipe.data.share
    return kind if share == 1 else f"{kind}, {100 * share:g} % of the labels"


def _what_is_equal(trial: Trial) -> tuple[object, ...]:
    bare = trial.recipe.model_copy(update={"method": Component(name=trial.recipe.method.name), "start_from": None})
    digests = [trial.card.hashes.get(key) for key in ("split", "preparation", "samples")]
    return trial.card.dataset, trial.card.protocol, load.recipe_digest(bare), trial.card.selected_on, *digests


def _order(trial: Trial) -> tuple[object, ...]:
    """By data; linear before fine-tuned, many labels before few; then by recipe, run and seed."""
    card, recipe = trial.card, trial.recipe
    task = (recipe.method.name != "linear_probe", -recipe.data.share)
    return card.dataset, card.protocol, *task, card.recipe, card.run, card.seeds


def _recipe_of(card: AuditCard) -> Recipe | None:
    """That of the run, if this package still has it as it was."""
    whole = _loaded(card.recipe)
    if whole is None or card.run not in whole.runs:
        return None
    recipe = load.single_run(whole, card.run)
    return recipe if load.recipe_digest(recipe) == card.hashes.get("recipe") else None


def _pretraining(card: AuditCard) -> Recipe | None:
    """The recipe of the pre-training whose weights it started from, if they are of one."""
    recipe = _loaded(str(card.start.get("recipe", "")))
    if recipe is None:
        return None
    learns_classes = not getattr(component("methods", recipe.method.name), "judged_by_neighbors", False)
    return None if learns_classes else recipe


@cache
def _loaded(name: str) -> Recipe | None:
    try:
        return load.recipe(name)
    except BonefideError:
        return None
