# SPDX-License-Identifier: Apache-2.0
"""The page of the zero-shot study: what methods and plain baselines get, and what counting as papers do adds to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from bonefide.evaluation._content import dataset_title, paper_name
from bonefide.evaluation._markdown import markdown_table
from bonefide.evaluation._summary import Figure, difference
from bonefide.evaluation.audit import AuditCard
from bonefide.evaluation.compare import Disagreement, disagreement, pooled
from bonefide.evaluation.hits import unpack_hits
from bonefide.evaluation.zero_shot import above_chance
from bonefide.evaluation.zero_shot_families import Family, Read, families, kind_of_split, of_figures
from bonefide.evaluation.zero_shot_figures import ZeroShotFigures
from bonefide.evaluation.zero_shot_results import cell, oracle
from bonefide.evaluation.zero_shot_words import probability
from bonefide.types import Array
from bonefide.writing import write_file

__all__ = ["BASELINES", "write_zero_shot_study", "zero_shot_study_markdown"]

BASELINES = ("text_regression", "nearest_seen")
"""Methods of our own that others are compared with."""
_INTRODUCTION = (
    "Classes without training samples are recognised from texts about them. Inductive: samples of unseen classes, each "
    "decided for itself among these; transductive: all of them together, knowing that all are of unseen classes. All "
    "classes: every test sample, decided among all classes, with gamma taken from the scores of seen classes; gamma is "
    "chosen on a rehearsal, in which seen classes and subjects that are held out play the test part, or is 0. Figures "
    "are percent: means over splits of means over seeds; ± is the sample standard deviation over splits (over seeds if "
    "there is one split), and 'over seeds' the mean over splits of that over seeds. p is an exact binomial test of all "
    "trainings' inductive decisions taken together, against guessing and against always naming the commonest unseen "
    "class. Trainings of one split share their test samples, so that these tend to be too low; 'worst seed' is the "
    "largest against guessing of one seed alone."
)
_PUBLISHED = (
    "How papers count, beside the honest figure of the same trainings. 'Best epoch' is chosen by test labels. Either "
    "branch: the label picks the branch that is believed; guessing gets more by it too. Best gamma: chosen by test "
    "labels. None of these is an accuracy. 'Adds' is the difference to the honest figure, in points."
)
_INDUCTIVE = of_figures(lambda found: found.acc_inductive)
_TRANSDUCTIVE = of_figures(lambda found: found.acc_transductive)
_HARMONIC = of_figures(lambda found: found.calibrated.harmonic)
_SHOWN, _COUNTED = 3, 0.05


def zero_shot_study_markdown(cards: Sequence[AuditCard], *, command: str) -> str:
    """The document, in an order that depends on the cards alone.

    Args:
        cards: any; those of zero-shot recognisers are taken, rehearsals are not.
        command: what made the document, to stand in it.

    Raises:
        ScoresError: if the record of right samples on a card is damaged.

    Example:
        >>> print(zero_shot_study_markdown([], command="bonefide report").splitlines()[0])
        # Zero-shot recognition, honestly and as published
    """
    lines = ["# Zero-shot recognition, honestly and as published", ""]
    lines += [f"Made from stored audit cards by `{command}`; not edited by hand.", _INTRODUCTION]
    found = [family for family in families(cards) if family.figures is not None]
    for (dataset, protocol, kind), group in groupby(found, key=_place):
        rows = list(group)
        first = _figures(rows[0].first)
        splits = len({split for row in rows for split in row.splits})
        title = f"{len(first.seen)} seen and {len(first.unseen)} unseen classes"
        lines += ["", f"## {dataset_title(dataset)}, {protocol}: {title}", ""]
        lines += [f"{splits} split{'s' * (splits > 1)} `{kind}`; guessing gets {first.chance:.2f} inductive."]
        lines += ["", *_accuracies(rows), "", "### As published", "", _PUBLISHED, "", *_inflation(rows)]
        lines += _against_baselines(rows) + _classes(rows) + _confused(rows)
    lines += [] if found else ["", "There are no zero-shot trainings yet."]
    return "\n".join(lines) + "\n"


def write_zero_shot_study(cards: Sequence[AuditCard], file: Path, *, command: str) -> Path:
    """Write the document, all or nothing.

    Args:
        cards: any; those of zero-shot recognisers are taken, rehearsals are not.
        file: usually `docs/study_zero_shot.md`.
        command: what made the document, to stand in it.

    Raises:
        OutputError: if the place cannot be written.
        ScoresError: if the record of right samples on a card is damaged.
    """
    write_file(file, zero_shot_study_markdown(cards, command=command))
    return file


def _accuracies(rows: list[Family]) -> list[str]:
    columns = ("method", "texts", "trainings", "inductive", "over seeds", "transductive", "seen", "unseen", "harmonic")
    more = ("area", "gamma chosen on", "p, guessing", "p, worst seed", "p, commonest", "verdict")
    return markdown_table((*columns, *more), "--rrrrrrrr-rrr-", map(_accuracy_cells, rows))


def _accuracy_cells(row: Family) -> list[str]:
    spread, known = row.seed_spread(_INDUCTIVE), _known(row)
    chosen = dict.fromkeys(figures.gamma_chosen_on for figures in known)
    guessed, worst, commonest = row.p_value(), row.worst_seed(), _above_commonest(known)
    assert guessed is not None
    assert worst is not None
    return [
        _name(row),
        known[0].texts,
        str(len(row.cards)),
        cell(row.figure(_INDUCTIVE)),
        f"± {spread:.2f}" if spread is not None else "\u2013",
        cell(row.figure(_TRANSDUCTIVE)),
        cell(row.figure(of_figures(lambda found: found.calibrated.seen))),
        cell(row.figure(of_figures(lambda found: found.calibrated.unseen))),
        cell(row.figure(_HARMONIC)),
        cell(row.figure(of_figures(lambda found: found.area))),
        " and ".join(chosen),
        *(probability(each).removeprefix("p ").removeprefix("= ") for each in (guessed, worst, commonest)),
        "above chance" if max(guessed, commonest) < _COUNTED else "not to be told from chance",
    ]


def _above_commonest(known: list[ZeroShotFigures]) -> float:
    """The same test against naming the commonest class of each split, at its mean over all samples."""
    samples = [figures.samples[1] for figures in known]
    share = sum(figures.commonest * each for figures, each in zip(known, samples, strict=True)) / sum(samples)
    return above_chance(sum(figures.right for figures in known), sum(samples), chance=share)


def _inflation(rows: list[Family]) -> list[str]:
    inductive = (("best epoch", lambda card: card.best_on_test.test_top1 if card.best_on_test else None),
                 ("either branch", oracle("either_correct")))  # fmt: skip
    harmonic = (("best gamma", oracle("harmonic_best_gamma_on_test")),
                ("either branch, best gammas", oracle("either_correct_harmonic_best_gammas_on_test")))  # fmt: skip
    columns = ["method", "published", "inductive"]
    columns += [each for name, _ in inductive for each in (name, "adds")] + ["harmonic"]
    columns += [each for name, _ in harmonic for each in (name, "adds")]
    cells = (
        [
            _name(row),
            str(row.figure(lambda card: card.published) or "unknown"),
            *_beside(row, _INDUCTIVE, [read for _, read in inductive]),
            *_beside(row, _HARMONIC, [read for _, read in harmonic]),
        ]
        for row in rows
    )
    return markdown_table(columns, "-" + "r" * (len(columns) - 1), cells)


def _beside(row: Family, honest: Read, others: Sequence[Read]) -> list[str]:
    """The honest figure, and each of the others with what it adds."""
    cells = [cell(row.figure(honest))]
    for read in others:
        cells += [cell(row.figure(read)), _change(row.figure(_minus(read, honest)))]
    return cells


def _against_baselines(rows: list[Family]) -> list[str]:
    baselines = [row for row in rows if row.first.method in BASELINES]
    others = [row for row in rows if row.first.method not in BASELINES]
    cells = [found for row in others for baseline in baselines if (found := _pair_cells(row, baseline))]
    if not cells:
        return []
    columns = ("method", "baseline", "pairs", "difference", "only it right", "only the baseline right", "p", "verdict")
    said = (
        "Inductive decisions of trainings of equal split and seed: the difference in points, and McNemar's exact test "
        "on the samples that only one of the two has right."
    )
    return ["", "### Against plain baselines", "", said, "", *markdown_table(columns, "--rrrrr-", cells)]


def _pair_cells(row: Family, baseline: Family) -> list[str]:
    """Nothing if no training of the one has a partner in the other."""
    partners = {_what_is_equal(card): card for card in baseline.cards}
    pairs = [(card, partners[_what_is_equal(card)]) for card in row.cards if _what_is_equal(card) in partners]
    if not pairs:
        return []
    together = pooled(_disagreement(card, partner) for card, partner in pairs)
    change = Figure.of(_figures(card).acc_inductive - _figures(partner).acc_inductive for card, partner in pairs)
    better = "better" if together.only_first > together.only_second else "worse"
    return [
        _name(row),
        _name(baseline),
        str(len(pairs)),
        _change(change),
        str(together.only_first),
        str(together.only_second),
        f"{together.p_value:.2g}",
        better if together.p_value < _COUNTED else "not to be told from chance",
    ]


def _classes(rows: list[Family]) -> list[str]:
    """Accuracy of each unseen class by method."""
    lines = ["", "### Each unseen class", "", "Inductive; the best in bold, seeds added up.", ""]
    cells = []
    for split in sorted({split for row in rows for split in row.splits}):
        matrices = [_matrix(row, split) for row in rows]
        names = next(_figures(card).unseen_classes for row in rows for card in row.cards if card.classes == split)
        for place, name in enumerate(names):
            shares = [_share(matrix, place) for matrix in matrices]
            best = max((share for share in shares if share is not None), default=None)
            cells.append([split, name, *(_bold(share, best) for share in shares)])
    return lines + markdown_table(("split", "class", *map(_name, rows)), "--" + "r" * len(rows), cells)


def _confused(rows: list[Family]) -> list[str]:
    """The most frequent confusions of each method."""
    lines = ["", "### What is confused", "", "Inductive, seeds added up; the shares are of the true class.", ""]
    for row in rows:
        found = []
        for split in row.splits:
            matrix = _matrix(row, split)
            names = next(_figures(card).unseen_classes for card in row.cards if card.classes == split)
            assert matrix is not None
            sizes = matrix.sum(axis=1)
            found += [
                (matrix[true, said] / sizes[true], names[true], names[said], split)
                for true, said in np.argwhere(matrix)
                if true != said
            ]
        # As many as can be read; equal shares by name.
        found = sorted(found, key=lambda each: (-each[0], *each[1:]))[:_SHOWN]
        said = "; ".join(f"{true} as {other} {100 * share:.0f} % ({split})" for share, true, other, split in found)
        lines.append(f"- {_name(row)}: {said or 'nothing'}")
    return lines


def _matrix(row: Family, split: str) -> Array | None:
    found = [np.array(_figures(card).confusion) for card in row.cards if card.classes == split]
    return np.sum(found, axis=0) if found else None


def _share(matrix: Array | None, place: int) -> float | None:
    if matrix is None or not matrix[place].sum():
        return None
    return float(100 * matrix[place, place] / matrix[place].sum())


def _bold(share: float | None, best: float | None) -> str:
    if share is None:
        return "\u2013"
    return f"**{share:.1f}**" if share == best else f"{share:.1f}"


def _disagreement(card: AuditCard, partner: AuditCard) -> Disagreement:
    return disagreement(*(unpack_hits(each.hits, each.test_samples) for each in (card, partner)))


def _what_is_equal(card: AuditCard) -> tuple[Any, ...]:
    return card.classes, card.seeds, card.hashes.get("samples")


def _minus(read: Read, other: Read) -> Callable[[AuditCard], float | None]:
    def change(card: AuditCard) -> float | None:
        values = read(card), other(card)
        return None if values[0] is None or values[1] is None else values[0] - values[1]

    return change


def _change(figure: Figure | None) -> str:
    if figure is None:
        return "\u2013"
    return difference(figure.mean, 0) + ("" if figure.spread is None else f" ± {figure.spread:.2f}")


def _known(row: Family) -> list[ZeroShotFigures]:
    return [_figures(card) for card in row.cards]


def _figures(card: AuditCard) -> ZeroShotFigures:
    assert card.zero_shot is not None
    return card.zero_shot


def _name(row: Family) -> str:
    """What tells the method apart: its paper, the run if there are several, and its recipe if that says more."""
    short = row.recipe.split("/")[-1]
    run = f", {row.first.run}" if row.first.run != "main" else ""
    return f"{paper_name(row.first.paper)} ({short}{run})"


def _place(row: Family) -> tuple[str, str, str]:
    return row.first.dataset, row.first.protocol, kind_of_split(row.first.classes)
