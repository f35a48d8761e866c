# SPDX-License-Identifier: Apache-2.0
"""Cards that differ only by seed, as one line of a table; and how numbers are written."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import mean, stdev

from bonefide.evaluation.audit import AuditCard, Choice

__all__ = [
    "BEST_ON_TEST",
    "CHOSEN",
    "ORACLES",
    "Figure",
    "Summary",
    "difference",
    "duration",
    "interval",
    "summarize",
    "weights_of",
]

BEST_ON_TEST = (
    "best_on_test is chosen with test labels and is no accuracy; it stands here only beside papers that chose so."
)

ORACLES = "Decided with labels, so no accuracy"
"""What is said before figures of an oracle."""

CHOSEN = {
    "last": "last epoch, nothing was chosen",
    "validation": "best epoch on a validation part of the training data",
    "best_on_test": "best epoch by test labels, which is no accuracy",
    "fitted_on_test": "weights of fusion by test labels, which is no accuracy",
}


@dataclass(frozen=True)
class Figure:
    """A number over seeds.

    Args:
        mean: mean, in percent.
        spread: sample standard deviation in points; None of a single number.
        count: how many.
    """

    mean: float
    spread: float | None
    count: int

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Figure | None:
        """The figure of those that are known, None if none is."""
        known = [value for value in values if value is not None]
        if not known:
            return None
        return cls(mean(known), stdev(known) if len(known) > 1 else None, len(known))

    def __str__(self) -> str:
        return f"{self.mean:.2f}" if self.spread is None else f"{self.mean:.2f} ± {self.spread:.2f}"


@dataclass(frozen=True)
class Summary:
    """Cards that differ only by seed.

    Args:
        cards: at least one.
    """

    cards: tuple[AuditCard, ...]

    @property
    def first(self) -> AuditCard:
        """What all have in common can be read from it."""
        return self.cards[0]

    @property
    def accuracy(self) -> Figure | None:
        """Top-1 of the scored weights; None if test labels chose them."""
        return Figure.of(card.accuracy for card in self.cards)

    @property
    def top5(self) -> Figure | None:
        """Top-5 of the same."""
        return Figure.of(card.top5 for card in self.cards)

    @property
    def balanced(self) -> Figure | None:
        """Mean of the classes' accuracies of the same."""
        return Figure.of(card.balanced for card in self.cards)

    @property
    def last(self) -> Figure | None:
        """The last epoch."""
        return Figure.of(_test_top1(card.last) for card in self.cards)

    @property
    def validation_chosen(self) -> Figure | None:
        """The epoch a validation part chose."""
        return Figure.of(_test_top1(card.validation_chosen) for card in self.cards)

    @property
    def best_on_test(self) -> Figure | None:
        """The epoch test labels chose."""
        return Figure.of(_test_top1(card.best_on_test) for card in self.cards)

    @property
    def fitted_on_test(self) -> Figure | None:
        """A fusion by weights that test labels chose."""
        return Figure.of(card.fitted_on_test for card in self.cards)

    @property
    def parts(self) -> dict[str, Figure]:
        """Accuracies of the branches or members that all cards have."""
        return _common([card.parts for card in self.cards])

    @property
    def oracles(self) -> dict[str, Figure]:
        """Figures that labels decide, likewise."""
        return _common([card.oracles for card in self.cards])

    @property
    def honest(self) -> Figure | None:
        """The accuracy; that of the last epoch if test labels chose the scored weights."""
        return self.accuracy or self.last

    @property
    def seeds(self) -> tuple[int, ...]:
        """All seeds, ascending."""
        return tuple(sorted({seed for card in self.cards for seed in card.seeds}))

    @property
    def title(self) -> str:
        """Recipe and run."""
        return f"{self.first.recipe} · {self.first.run}"


def summarize(cards: Iterable[AuditCard]) -> list[Summary]:
    """Group cards that differ only by seed; groups as first met, a card given twice counted once."""
    groups: dict[str, list[AuditCard]] = {}
    for card in cards:
        group = groups.setdefault(_what_is_repeated(card), [])
        if card not in group:
            group.append(card)
    return [Summary(tuple(sorted(group, key=lambda card: card.seeds))) for group in groups.values()]


def interval(percent: float, samples: int) -> tuple[float, float]:
    """Wilson's 95 % interval of an accuracy measured on so many samples, in percent.

    Example:
        >>> [round(end, 1) for end in interval(50.0, 100)]
        [40.4, 59.6]
    """
    z, share = 1.959964, percent / 100
    center = (share + z * z / (2 * samples)) / (1 + z * z / samples)
    reach = z / (1 + z * z / samples) * math.sqrt(share * (1 - share) / samples + z * z / (4 * samples**2))
    return 100 * max(0.0, center - reach), 100 * min(1.0, center + reach)


def difference(reproduced: float, published: float) -> str:
    """Reproduced minus published, in points, with its sign."""
    return f"{reproduced - published:+.2f}".replace("-", "\u2212")


def duration(seconds: float) -> str:
    """In words.

    Example:
        >>> duration(42.3), duration(200), duration(4000)
        ('42 s', '3 min 20 s', '1 h 06 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return (
        f"{whole // 60} min {whole % 60:02d} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    )


def weights_of(card: AuditCard) -> str:
    """Weights of a fusion, in words."""
    return ", ".join(f"{run} {weight:g}" for run, weight in card.fusion.get("weights", {}).items())


def _what_is_repeated(card: AuditCard) -> str:
    names = (card.paper, card.recipe, card.run, card.dataset, card.protocol, card.preparation, card.stream)
    digests = {key: card.hashes.get(key) for key in ("split", "preparation", "recipe")}
    # Fitted weights differ from seed to seed; that they were fitted is what is repeated.
    fitted = "fitted" in str(card.fusion.get("chosen", ""))
    fusion = [sorted(card.fusion["weights"]), card.fusion["chosen"]] if fitted else card.fusion
    return json.dumps([names, card.selected_on, card.epochs, fusion, digests], sort_keys=True)


def _test_top1(choice: Choice | None) -> float | None:
    return choice.test_top1 if choice else None


def _common(found: list[dict[str, float]]) -> dict[str, Figure]:
    shared = [name for name in found[0] if all(name in each for each in found)]
    figures = {name: Figure.of(each[name] for each in found) for name in shared}
    return {name: figure for name, figure in figures.items() if figure is not None}
