# SPDX-License-Identifier: Apache-2.0
"""Zero-shot cards that differ only by seed and by which of several splits of one kind they are of, taken together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import mean
from typing import Any

from bonefide.evaluation._summary import Figure, Summary, summarize
from bonefide.evaluation.audit import AuditCard
from bonefide.evaluation.zero_shot import above_chance
from bonefide.evaluation.zero_shot_figures import ZeroShotFigures

__all__ = ["Family", "Read", "families", "is_rehearsal", "is_zero_shot", "kind_of_split", "of_figures"]

Read = Callable[[AuditCard], float | None]
"""A number on a card, None if it has none."""


@dataclass(frozen=True)
class Family:
    """One method on the splits of one kind, as `nwucla10_8_2_bonefide1` to `3` are.

    Args:
        summaries: one for each split, seeds together; at least one.
    """

    summaries: tuple[Summary, ...]

    @property
    def first(self) -> AuditCard:
        """What all have in common can be read from it."""
        return self.summaries[0].first

    @property
    def cards(self) -> list[AuditCard]:
        """All of them."""
        return [card for summary in self.summaries for card in summary.cards]

    @property
    def splits(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(summary.first.classes for summary in self.summaries)

    @property
    def kind(self) -> str:
        """What the splits are called together."""
        return kind_of_split(self.first.classes) if len(self.summaries) > 1 else self.first.classes

    @property
    def recipe(self) -> str:
        """The recipe, without the number of the split if there are several."""
        return _recipe_of_kind(self.first) if len(self.summaries) > 1 else self.first.recipe

    @property
    def seeds(self) -> tuple[int, ...]:
        """All seeds, ascending."""
        return tuple(sorted({seed for summary in self.summaries for seed in summary.seeds}))

    @property
    def figures(self) -> ZeroShotFigures | None:
        """Those of the first card, to read what is no number."""
        return self.first.zero_shot

    def figure(self, read: Read) -> Figure | None:
        """Mean over splits of means over seeds, with the spread over splits; over seeds if there is only one split."""
        if len(self.summaries) == 1:
            return Figure.of(map(read, self.cards))
        found = [Figure.of(map(read, summary.cards)) for summary in self.summaries]
        return Figure.of(figure.mean if figure else None for figure in found)

    def seed_spread(self, read: Read) -> float | None:
        """Mean over splits of the spread over seeds; None where there is one seed."""
        found = [Figure.of(map(read, summary.cards)) for summary in self.summaries]
        spreads = [figure.spread for figure in found if figure is not None and figure.spread is not None]
        return mean(spreads) if spreads else None

    def p_value(self) -> float | None:
        """How likely as many right samples of unseen classes, inductive, are by guessing; seeds and splits added up.

        Trainings share their samples, so that it tends to be too low.
        """
        return _above_chance(self.cards)

    def worst_seed(self) -> float | None:
        """The largest of the same, each seed alone; splits of a kind may still share classes."""
        found = [_above_chance(card for card in self.cards if card.seeds == seeds) for seeds in self._trained]
        known = [p_value for p_value in found if p_value is not None]
        return max(known) if known else None

    @property
    def _trained(self) -> set[tuple[int, ...]]:
        return {card.seeds for card in self.cards}


def families(cards: Iterable[AuditCard]) -> list[Family]:
    """Zero-shot cards grouped, rehearsals left out, in an order that depends on the cards alone."""
    chosen = sorted(filter(is_zero_shot, cards), key=lambda card: (_order(card), repr(card)))
    groups: dict[tuple[Any, ...], list[Summary]] = {}
    for summary in summarize(card for card in chosen if not is_rehearsal(card)):
        groups.setdefault(_what_is_shared(summary.first), []).append(summary)
    made = (Family(tuple(sorted(group, key=lambda each: each.first.classes))) for group in groups.values())
    return sorted(made, key=lambda family: _order(family.first))


def is_zero_shot(card: AuditCard) -> bool:
    """Whether it is of a zero-shot recogniser, be its weights chosen by test labels."""
    return card.zero_shot is not None or "inductive_best_on_test" in card.oracles


def is_rehearsal(card: AuditCard) -> bool:
    """Whether seen classes played the unseen ones, so that nothing of it is a test."""
    return card.classes.endswith("_rehearsal")


def kind_of_split(name: str) -> str:
    """Name of a split without its number, if it has one.

    Example:
        >>> kind_of_split("nwucla10_8_2_bonefide3"), kind_of_split("ntu60_55_5")
        ('nwucla10_8_2_bonefide', 'ntu60_55_5')
    """
    return re.sub(r"(?<=[a-z])\d+$", "", name)


def of_figures(read: Callable[[ZeroShotFigures], float | None]) -> Read:
    """A number among the figures of a card, None if test labels chose its weights."""
    return lambda card: read(card.zero_shot) if card.zero_shot is not None else None


def _above_chance(cards: Iterable[AuditCard]) -> float | None:
    known = [card.zero_shot for card in cards if card.zero_shot is not None]
    if not known:
        return None
    # Splits of a kind have equally many unseen classes.
    samples = sum(each.samples[1] for each in known)
    return above_chance(sum(each.right for each in known), samples, chance=known[0].chance)


def _recipe_of_kind(card: AuditCard) -> str:
    """Name of the recipe without the number its split is told apart by, as in `utdmhad_small_1`."""
    number = card.classes.removeprefix(kind_of_split(card.classes))
    return card.recipe.removesuffix(number).removesuffix("_") if number else card.recipe


def _what_is_shared(card: AuditCard) -> tuple[Any, ...]:
    data = (card.dataset, card.protocol, card.preparation, kind_of_split(card.classes), card.stream)
    network = (card.paper, card.method, _recipe_of_kind(card), card.run, card.parameters)
    texts = card.zero_shot.texts if card.zero_shot else ""
    return *data, *network, texts, card.selected_on, card.epochs, str(card.fusion.get("chosen", ""))


def _order(card: AuditCard) -> tuple[Any, ...]:
    return card.dataset, card.protocol, card.classes, card.paper, card.recipe, bool(card.fusion), card.run, card.seeds
