# SPDX-License-Identifier: Apache-2.0
"""Runs and cards as one page a researcher can check: HTML, with the same numbers as JSON and Markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bonefide.evaluation._content import Content, Entry, Illustration, Source, collect, finite
from bonefide.evaluation._render import card_rows, page
from bonefide.evaluation._summary import BEST_ON_TEST, Summary, difference
from bonefide.evaluation.audit import Choice
from bonefide.evaluation.results import markdown_row
from bonefide.writing import write_file

if TYPE_CHECKING:
    from bonefide.data.store import SkeletonStore

__all__ = ["Illustration", "Source", "report"]


def report(
    sources: Sequence[Source],
    *,
    out: str | Path,
    store: SkeletonStore | None = None,
    illustrations: Mapping[str, Sequence[Illustration]] | None = None,
) -> Path:
    """Write `report.html`, `report.json` and `report.md` into a folder.

    The page is one file and needs no network: audit cards, a table against published numbers, learning curves,
    confusion matrix, accuracy of every class, and moving skeletons of some right and some wrong predictions. Nothing in
    it depends on the time it is made, so equal runs give equal files.

    Args:
        sources: finished runs, cards of runs or fusions, and pairs of a card and its scores. Of a card alone there are
            no scores, hence neither confusion nor skeletons.
        out: a folder; made if it is not there.
        store: where the test samples are, for the skeletons.
        illustrations: pictures to stand with runs, by the folder of the run.

    Returns:
        The page.

    Raises:
        RunError: if there is no source, or a run is not finished.
        ScoresError: if the scores of a run cannot be read.
        OutputError: if the folder cannot be written.
    """
    content = collect(sources, store, illustrations)
    notice = "" if store is not None else "No skeletons: the store with the test samples was not at hand."
    if store is not None and not content.sequences:
        notice = "No skeletons: the store holds none of the test samples."
    texts = {
        "report.json": json.dumps(finite(content.as_json()), indent=1, allow_nan=False) + "\n",
        "report.md": _markdown(content),
        "report.html": page(content, notice=notice),
    }
    folder = Path(out)
    for name, text in texts.items():
        write_file(folder / name, text)
    return folder / "report.html"


def _markdown(content: Content) -> str:
    columns = ("run", "published", "reproduced", "difference", "`best_on_test`", "selected on", "seeds", "source")
    lines = [f"# {content.title}", "", markdown_row(columns), "|---|---:|---:|---:|---:|---|---|---|"]
    lines += [markdown_row(_row(summary)) for summary in content.summaries]
    lines += ["", f"Top-1 in percent; mean ± sample standard deviation over seeds. {BEST_ON_TEST}"]
    for entry in content.entries:
        lines += ["", f"## {entry.label}", "", markdown_row(("", "")), "|---|---|"]
        lines += [markdown_row(row) for row in [*_choices(entry), *card_rows(entry)]]
        if entry.pairs:
            lines += ["", markdown_row(("true class", "predicted", "samples")), "|---|---|---:|"]
            lines += [
                markdown_row((pair["true"], pair["predicted"], f"{pair['count']} of {pair['samples']}"))
                for pair in entry.pairs
            ]
    return "\n".join(lines) + "\n"


def _row(summary: Summary) -> list[str]:
    card, accuracy = summary.first, summary.accuracy
    return [
        summary.title,
        str(card.published) if card.published is not None else "unknown",
        str(accuracy) if accuracy else "none",
        difference(accuracy.mean, card.published) if accuracy and card.published is not None else "unknown",
        str(summary.best_on_test or "unknown"),
        card.selected_on,
        ", ".join(map(str, summary.seeds)) or "unknown",
        card.source or "unknown",
    ]


def _choices(entry: Entry) -> list[tuple[str, str]]:
    card = entry.card
    rows = [("accuracy", "none: chosen with test labels" if card.accuracy is None else f"{card.accuracy:.2f}")]
    if card.fusion:
        return rows
    named = {
        "last epoch": card.last,
        "validation-chosen": card.validation_chosen,
        "`best_on_test` (chosen with test labels, no accuracy)": card.best_on_test,
    }
    return rows + [(name, _choice(choice)) for name, choice in named.items()]


def _choice(choice: Choice | None) -> str:
    return f"{choice.test_top1:.2f} (epoch {choice.epoch})" if choice else "unknown"
