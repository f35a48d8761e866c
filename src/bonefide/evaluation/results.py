# SPDX-License-Identifier: Apache-2.0
"""The results document: published against reproduced, from stored cards only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from bonefide.evaluation._content import dataset_title, paper_name
from bonefide.evaluation._markdown import markdown_row, markdown_rule
from bonefide.evaluation._summary import BEST_ON_TEST, ORACLES, Summary, difference, duration, summarize, weights_of
from bonefide.evaluation.audit import AuditCard
from bonefide.evaluation.probe_card import ProbeCard, probes_markdown
from bonefide.evaluation.zero_shot_families import is_rehearsal, is_zero_shot
from bonefide.evaluation.zero_shot_results import zero_shot_markdown
from bonefide.writing import write_file

__all__ = ["markdown_row", "markdown_rule", "results_markdown", "write_results"]

_COLUMNS = (
    "paper",
    "recipe",
    "run",
    "published",
    "reproduced",
    "difference",
    "seeds",
    "validation-chosen",
    "`best_on_test`",
    "selected on",
    "epochs",
    "parameters",
    "hardware",
    "training time",
)
_NUMBERS = {"published", "reproduced", "difference", "validation-chosen", "`best_on_test`", "epochs", "parameters"}


def results_markdown(
    cards: Sequence[AuditCard],
    *,
    probes: Sequence[ProbeCard] = (),
    command: str = "bonefide report CARD... --results FILE",
) -> str:
    """The document, in an order that depends on the cards alone.

    Args:
        cards: of runs and fusions; those of rehearsals are left out.
        probes: of frozen networks.
        command: what made the document, to stand in it.

    Example:
        >>> print(results_markdown([]).splitlines()[0])
        # Results
    """
    tested = [card for card in sorted(cards, key=_order_of_card) if not is_rehearsal(card)]
    usual = summarize(card for card in tested if not is_zero_shot(card))
    summaries = sorted(usual, key=lambda each: _order_of_card(each.first))
    lines = [
        "# Results",
        "",
        f"Published numbers beside our own, made from stored audit cards by `{command}`; not edited by hand.",
        "Top-1 in percent; reproduced is the mean ± sample standard deviation over seeds of the honest accuracy.",
        BEST_ON_TEST.replace("best_on_test", "`best_on_test`", 1),
        "Training time is that of one training, or of all members of a fusion.",
    ]
    for (dataset, protocol, preparation, classes), group in groupby(summaries, key=_section):
        rows = list(group)
        title = f"## {dataset_title(dataset)}, {protocol}{f': seen classes of {classes}' if classes else ''}"
        lines += ["", title, "", f"Preparation `{preparation}`, {rows[0].first.test_samples} test samples.", ""]
        sides = "".join("r" if column in _NUMBERS else "-" for column in _COLUMNS)
        lines += [markdown_row(_COLUMNS), markdown_rule(sides)]
        lines += [markdown_row(_cells(summary)) for summary in rows]
        sources = dict.fromkeys((row.first.recipe, row.first.source) for row in rows if row.first.published is not None)
        lines += [""] * bool(sources)
        lines += [f"- Published for {recipe}: {source or 'source unknown'}" for recipe, source in sources]
        parted = [summary for summary in rows if summary.parts]
        lines += [""] * bool(parted)
        lines += [f"- {_parts(summary)}" for summary in parted]
    lines += zero_shot_markdown(tested)
    return "\n".join(lines) + "\n" + probes_markdown(probes)


def write_results(cards: Sequence[AuditCard], file: Path, *, probes: Sequence[ProbeCard] = (), command: str) -> Path:
    """Write the document, all or nothing.

    Args:
        cards: of runs and fusions.
        file: usually `docs/results.md`.
        probes: of frozen networks.
        command: what made the document, to stand in it.

    Raises:
        OutputError: if the place cannot be written.
    """
    write_file(file, results_markdown(cards, probes=probes, command=command))
    return file


def _cells(summary: Summary) -> list[str]:
    card, accuracy = summary.first, summary.accuracy
    seconds = sum(each.seconds for each in summary.cards) / len(summary.cards)
    return [
        paper_name(card.paper),
        card.recipe,
        card.run + _weights(summary),
        str(card.published) if card.published is not None else "unknown",
        str(accuracy) if accuracy else "none",
        difference(accuracy.mean, card.published) if accuracy and card.published is not None else "unknown",
        _seeds(summary),
        str(summary.validation_chosen or "\u2013"),
        str(summary.best_on_test or "\u2013"),
        re.sub("(best|fitted)_on_test", r"`\g<0>`", card.selected_on),
        str(card.epochs) if card.epochs else "unknown",
        f"{card.parameters:,}" if card.parameters else "unknown",
        " / ".join(dict.fromkeys(str(each.environment.get("device", "unknown")) for each in summary.cards)),
        duration(seconds) if seconds else "unknown",
    ]


def _weights(summary: Summary) -> str:
    card = summary.first
    if not card.fusion:
        return ""
    if summary.fitted_on_test is not None:
        return f" (weights by test labels, no accuracy: `fitted_on_test` {summary.fitted_on_test})"
    return f" ({weights_of(card)}; {card.fusion.get('chosen', 'how they were chosen is unknown')})"


def _parts(summary: Summary) -> str:
    """What its branches or members get, and the figures that labels decide, in one line."""
    accuracies = ", ".join(f"{name} {figure}" for name, figure in summary.parts.items())
    oracles = ", ".join(f"`{name}` {figure}" for name, figure in summary.oracles.items())
    return f"{summary.title}: {accuracies}" + (f". {ORACLES}: {oracles}" if oracles else "")


def _seeds(summary: Summary) -> str:
    seeds = ", ".join(map(str, summary.seeds)) or "unknown"
    return f"{len(summary.cards)} ({seeds})" if not summary.first.fusion else f"{len(summary.seeds)} ({seeds})"


def _section(summary: Summary) -> tuple[str, str, str, str]:
    card = summary.first
    return card.dataset, card.protocol, card.preparation, card.classes


def _order_of_card(card: AuditCard) -> tuple[object, ...]:
    """By data, paper and recipe; fusions after their members; then by all that could still tell two apart."""
    fused = bool(card.fusion) or card.run == "ensemble"
    names = (card.dataset, card.protocol, card.preparation, card.classes, card.paper, card.recipe, fused, card.run)
    return *names, card.selected_on, card.seeds, repr(card)
