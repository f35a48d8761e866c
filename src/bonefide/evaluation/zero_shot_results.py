# SPDX-License-Identifier: Apache-2.0
"""The zero-shot part of the results document: honest figures, and those that papers report beside them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from bonefide.evaluation._content import dataset_title, paper_name
from bonefide.evaluation._markdown import markdown_table
from bonefide.evaluation._summary import ORACLES, Figure
from bonefide.evaluation.audit import AuditCard
from bonefide.evaluation.zero_shot_families import Family, Read, families, is_zero_shot, of_figures
from bonefide.evaluation.zero_shot_words import probability

__all__ = ["cell", "oracle", "zero_shot_markdown"]

_INTRODUCTION = (
    "Recognition of classes without training samples, in percent. Inductive and transductive figures are of test "
    "samples of unseen classes, decided among these: each for itself, or all together, knowing that all are of unseen "
    "classes. Seen, unseen and harmonic mean are of all test samples, decided among all classes, with gamma taken from "
    "the scores of seen classes; gamma is chosen on a rehearsal with held-out seen classes and subjects, or is 0. Area "
    "is that below the seen over the unseen accuracy for all gammas. p is an exact binomial test of the inductive "
    "figure against guessing, seeds and splits added up; they share samples, so that it tends to be too low. Several "
    "seeds: mean ± sample standard deviation; several splits of one kind: the same of the splits' means."
)
_HONEST = (
    ("inductive", of_figures(lambda found: found.acc_inductive)),
    ("transductive", of_figures(lambda found: found.acc_transductive)),
    ("seen", of_figures(lambda found: found.calibrated.seen)),
    ("unseen", of_figures(lambda found: found.calibrated.unseen)),
    ("harmonic", of_figures(lambda found: found.calibrated.harmonic)),
    ("area", of_figures(lambda found: found.area)),
)
_ORACLES = (
    "either_correct",
    "harmonic_best_gamma_on_test",
    "either_correct_harmonic_best_gammas_on_test",
    "inductive_best_on_test",
    "transductive_best_on_test",
)


def zero_shot_markdown(cards: Sequence[AuditCard]) -> list[str]:
    """Lines of the part, none if no card is of a zero-shot recogniser."""
    if not any(map(is_zero_shot, cards)):
        return []
    lines = ["", "## Zero-shot recognition", "", _INTRODUCTION]
    for (dataset, protocol), group in groupby(
        families(cards), key=lambda each: (each.first.dataset, each.first.protocol)
    ):
        rows = [row for family in group for row in _with_its_splits(family)]
        lines += ["", f"### {dataset_title(dataset)}, {protocol}: zero-shot", "", *_honest(rows)]
        lines += ["", f"{ORACLES}, and what papers report:", "", *_as_published(rows)]
        sources = dict.fromkeys((row.first.recipe, row.first.source) for row in rows if row.first.published is not None)
        lines += [""] * bool(sources)
        lines += [f"- Published for {recipe}: {source or 'source unknown'}" for recipe, source in sources]
    return lines


def cell(figure: Figure | None) -> str:
    """A figure, or a dash."""
    return str(figure or "\u2013")


def oracle(name: str) -> Read:
    """A figure that labels decide."""
    return lambda card: card.oracles.get(name)


def _with_its_splits(family: Family) -> list[Family]:
    """Each split alone, and then all of them."""
    alone = [Family((summary,)) for summary in family.summaries]
    return [*alone, family] if len(alone) > 1 else alone


def _honest(rows: list[Family]) -> list[str]:
    columns = ("method", "recipe", "run", "split", "texts", "decided by", "selected on", "seeds", "chance")
    sides = "--------r" + "r" * len(_HONEST) + "-r"
    return markdown_table((*columns, *(name for name, _ in _HONEST), "gamma", "p"), sides, map(_honest_cells, rows))


def _honest_cells(row: Family) -> list[str]:
    card, found, p_value = row.first, row.figures, row.p_value()
    seeds = ", ".join(map(str, row.seeds)) or "unknown"
    return [
        *_names(row),
        found.texts if found else "\u2013",
        found.decision if found else "\u2013",
        re.sub("(best|fitted)_on_test", r"`\g<0>`", card.selected_on),
        f"{len(row.seeds)} ({seeds})",
        f"{found.chance:.2f}" if found else "\u2013",
        *(cell(row.figure(read)) for _, read in _HONEST),
        _gamma(row),
        probability(p_value).removeprefix("p ").removeprefix("= ") if p_value is not None else "\u2013",
    ]


def _gamma(row: Family) -> str:
    gamma = row.figure(of_figures(lambda found: found.gamma))
    if gamma is None:
        return "\u2013"
    chosen = dict.fromkeys(card.zero_shot.gamma_chosen_on for card in row.cards if card.zero_shot)
    return f"{gamma.mean:.3g}, chosen on {' and '.join(chosen)}"


def _as_published(rows: list[Family]) -> list[str]:
    shown = [name for name in _ORACLES if any(name in card.oracles for row in rows for card in row.cards)]
    columns = ("method", "recipe", "run", "split", "published", "best epoch on test", *(f"`{name}`" for name in shown))
    cells = (
        [
            *_names(row),
            str(row.figure(lambda card: card.published) or "unknown"),
            cell(row.figure(lambda card: card.best_on_test.test_top1 if card.best_on_test else None)),
            *(cell(row.figure(oracle(name))) for name in shown),
        ]
        for row in rows
    )
    return markdown_table(columns, "----" + "r" * (2 + len(shown)), cells)


def _names(row: Family) -> list[str]:
    many = f" (mean of {len(row.summaries)} splits)" if len(row.summaries) > 1 else ""
    return [paper_name(row.first.paper), row.recipe, row.first.run, row.kind + many]
