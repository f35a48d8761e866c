# SPDX-License-Identifier: Apache-2.0
"""Trainings with a method beside trainings without, in equal settings and of equal seeds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bonefide.errors import RunError
from bonefide.evaluation.audit import AuditCard
from bonefide.evaluation.compare import Disagreement, disagreement
from bonefide.evaluation.hits import unpack_hits

__all__ = ["Pair", "pairs_of"]

_PLAIN = "supervised"


@dataclass(frozen=True)
class Pair:
    """Two trainings, or fusions of trainings, that differ in the method alone.

    Args:
        without: plain training.
        with_it: training by the method.
    """

    without: AuditCard
    with_it: AuditCard

    @property
    def change(self) -> float:
        """With minus without, in points."""
        assert self.without.accuracy is not None
        assert self.with_it.accuracy is not None
        return self.with_it.accuracy - self.without.accuracy

    @property
    def disagreement(self) -> Disagreement:
        """Samples that only one has right, plain training first."""
        hits = [unpack_hits(card.hits, card.test_samples) for card in (self.without, self.with_it)]
        return disagreement(*hits)


def pairs_of(cards: Iterable[AuditCard], *, method: str) -> tuple[list[Pair], list[AuditCard]]:
    """Trainings by a method beside plain ones.

    Two make a pair if they are of one recipe, setting, seed and choice of weights, and were tested on the same samples;
    figures that test labels chose make none.

    Args:
        cards: any; those of recipes in which nothing is trained by the method are passed over.
        method: a file of `methods/`.

    Returns:
        The pairs, in an order that depends on the cards alone, and the cards without a partner.

    Raises:
        RunError: if two different cards stand for the same training.
    """
    every = sorted({repr(card): card for card in cards}.items())
    recipes = {card.recipe for _, card in every if card.method == method}
    sides: dict[tuple[Any, ...], dict[str, AuditCard]] = {}
    alone = []
    for _, card in every:
        if card.recipe not in recipes or card.method not in {method, _PLAIN}:
            continue
        if card.accuracy is None or not card.hits or "setting" not in card.hashes:
            alone.append(card)
            continue
        side = sides.setdefault(_what_is_equal(card), {})
        if card.method in side:
            seeds = ", ".join(map(str, card.seeds))
            raise RunError(f"two cards of {card.recipe}, {card.run}, seed {seeds} in one setting; keep one of them")
        side[card.method] = card
    pairs = [Pair(side[_PLAIN], side[method]) for side in sides.values() if len(side) == 2]
    alone += [card for side in sides.values() if len(side) == 1 for card in side.values()]
    return sorted(pairs, key=_order), sorted(alone, key=lambda card: (card.recipe, card.run, card.seeds))


def _what_is_equal(card: AuditCard) -> tuple[Any, ...]:
    digests = [card.hashes.get(key) for key in ("setting", "split", "preparation", "samples")]
    return card.recipe, card.stream, card.seeds, card.selected_on, card.epochs, *digests


def _order(pair: Pair) -> tuple[Any, ...]:
    """By data and recipe; fusions after their members; then by seed."""
    card = pair.with_it
    place = (card.dataset, card.protocol, card.recipe, bool(card.fusion), card.run)
    return *place, card.hashes.get("setting"), card.seeds
