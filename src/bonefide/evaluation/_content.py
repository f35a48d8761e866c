# SPDX-License-Identifier: Apache-2.0
"""What stands on a report, before it is set as a page, as Markdown or as JSON."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from bonefide.data import datasets
from bonefide.errors import RunError
from bonefide.evaluation._players import Prediction, pack_sequences, pick, skeleton
from bonefide.evaluation._summary import Summary, summarize
from bonefide.evaluation.audit import AuditCard, audit
from bonefide.evaluation.metrics import confusion, per_class
from bonefide.evaluation.projection import Projection, project
from bonefide.evaluation.zero_shot import unseen_part
from bonefide.evaluation.zero_shot_figures import judged
from bonefide.run import Run
from bonefide.types import Scores

if TYPE_CHECKING:
    from bonefide.data.store import SkeletonStore

__all__ = ["Content", "Entry", "Illustration", "Source", "collect", "dataset_title", "finite", "paper_name"]

_PAIRS = 12


@dataclass(frozen=True)
class Illustration:
    """A picture to stand on a page.

    Args:
        title: what it is.
        words: what is to be seen.
        png: the picture.
    """

    title: str
    words: str
    png: bytes

    @property
    def address(self) -> str:
        """The picture as an address that holds it."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode('ascii')}"


@dataclass(frozen=True, eq=False)
class Entry:
    """One card, and what its scores show if they are at hand.

    Args:
        card: of a run or a fusion.
        scores: of the test samples, or None; of a zero-shot recogniser those of unseen classes among themselves.
        predictions: those to look at.
        illustrations: to stand below.
        projection: features of a zero-shot run in the plane, if it kept them.
    """

    card: AuditCard
    scores: Scores | None = None
    predictions: list[Prediction] = field(default_factory=list)
    illustrations: Sequence[Illustration] = ()
    projection: Projection | None = None

    @property
    def label(self) -> str:
        """Run and seed."""
        seeds = ", ".join(map(str, self.card.seeds))
        return (
            f"{self.card.recipe} · {self.card.run} · seed {seeds}" if seeds else f"{self.card.recipe} · {self.card.run}"
        )

    @property
    def classes(self) -> list[dict[str, Any]]:
        """Name, accuracy and size of every class with samples, worst first."""
        if self.scores is None:
            return []
        sizes = np.bincount(self.scores.labels, minlength=len(self.scores.classes))
        rows = [
            {"name": name, "accuracy": float(accuracy), "samples": int(size)}
            for name, accuracy, size in zip(self.scores.classes, per_class(self.scores), sizes, strict=True)
            if size
        ]
        return sorted(rows, key=lambda row: (row["accuracy"], row["name"]))

    @property
    def pairs(self) -> list[dict[str, Any]]:
        """The most frequent confusions."""
        if self.scores is None:
            return []
        matrix, names = confusion(self.scores), self.scores.classes
        sizes = matrix.sum(axis=1)
        places = [(int(t), int(p)) for t, p in np.argwhere(matrix) if t != p]
        places.sort(key=lambda place: (-matrix[place], -matrix[place] / sizes[place[0]], place))
        return [
            {"true": names[t], "predicted": names[p], "count": int(matrix[t, p]), "samples": int(sizes[t])}
            for t, p in places[:_PAIRS]
        ]

    @property
    def chance(self) -> tuple[float, float] | None:
        """What guessing one of the classes gets, and what always saying the commonest gets, in percent."""
        if self.scores is None:
            return None
        counts = np.bincount(self.scores.labels)
        return 100 / len(self.scores.classes), 100 * float(counts.max()) / len(self.scores.labels)


@dataclass(frozen=True, eq=False)
class Content:
    """All of a report.

    Args:
        entries: as they were given, but fusions first.
        summaries: the same, seeds together.
        sequences: packed sequences by name.
        skeleton: bones and sides, for drawing.
    """

    entries: list[Entry]
    summaries: list[Summary]
    sequences: dict[str, dict[str, Any]]
    skeleton: dict[str, Any]

    @property
    def title(self) -> str:
        """What was trained on what."""
        pairs = dict.fromkeys((paper_name(e.card.paper), dataset_title(e.card.dataset)) for e in self.entries)
        return "; ".join(f"{paper} on {dataset}" for paper, dataset in pairs)

    def as_json(self) -> dict[str, Any]:
        """Everything but the sequences, as plain values."""
        return {
            "title": self.title,
            "summaries": [_summary_json(summary) for summary in self.summaries],
            "entries": [_entry_json(entry) for entry in self.entries],
        }


Source = Run | AuditCard | tuple[AuditCard, Scores]
"""A run, a card alone, or a card with the scores it is of."""


def collect(
    sources: Sequence[Source],
    store: SkeletonStore | None,
    illustrations: Mapping[str, Sequence[Illustration]] | None = None,
) -> Content:
    """Read everything a report says.

    Raises:
        RunError: if there is no source, or a run is not finished.
        ScoresError: if scores cannot be read.
    """
    if not sources:
        raise RunError("nothing to report on; give at least one run or audit card")
    names = set(store.names.tolist()) if store is not None else set()
    found = [_entry(source, names, illustrations or {}) for source in sources]
    entries = sorted(found, key=lambda entry: not entry.card.fusion)
    wanted = [prediction.name for entry in entries for prediction in entry.predictions]
    summaries = summarize(entry.card for entry in entries)
    return Content(
        entries,
        summaries,
        pack_sequences(store, wanted) if store is not None else {},
        skeleton(store) if store is not None else {},
    )


def paper_name(key: str) -> str:
    """What the field calls a paper; its key if it is not listed."""
    return _paper_names().get(key, key)


@lru_cache(maxsize=1)
def _paper_names() -> dict[str, str]:
    listed = yaml.safe_load((resources.files("bonefide") / "papers.yaml").read_text(encoding="utf-8"))
    return {key: str(paper["name"]) for key, paper in listed["papers"].items()}


def dataset_title(name: str) -> str:
    """Full name of a data set; its key if it is not ours."""
    return datasets.info(name).title if name in datasets.names() else name


def finite(value: Any) -> Any:
    """The same with what is not finite as None, since JSON has no such numbers."""
    if isinstance(value, dict):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _entry(source: Source, shown: set[str], illustrations: Mapping[str, Sequence[Illustration]]) -> Entry:
    if isinstance(source, AuditCard):
        return Entry(source)
    if isinstance(source, tuple):
        card, scores = source
        if card.zero_shot is not None:
            scores = unseen_part(scores, card.zero_shot.classes)
        return Entry(card, scores, pick(scores, among=shown))
    card, scores = audit(source), judged(source)
    pictures = illustrations.get(str(source.folder), ())
    return Entry(card, scores, pick(scores, among=shown), pictures, _projection(source, card))


def _projection(run: Run, card: AuditCard) -> Projection | None:
    """What a zero-shot run has kept for pictures; of a rehearsal nobody looks at it."""
    if card.zero_shot is None or run.recipe.data.rehearsal or not run.features_file.is_file():
        return None
    return project(run.features_file, card.zero_shot.classes)


def _summary_json(summary: Summary) -> dict[str, Any]:
    figures = {
        name: asdict(figure) if (figure := getattr(summary, name)) else None
        for name in ("accuracy", "top5", "balanced", "last", "validation_chosen", "best_on_test")
    }
    first = summary.first
    keys = ("recipe", "run", "paper", "dataset", "protocol", "preparation", "selected_on", "published", "source")
    return {**{key: getattr(first, key) for key in keys}, "seeds": summary.seeds, **figures}


def _entry_json(entry: Entry) -> dict[str, Any]:
    content: dict[str, Any] = {"card": asdict(entry.card)}
    if entry.scores is not None:
        content |= {
            "classes": entry.scores.classes,
            "confusion": confusion(entry.scores).tolist(),
            "per_class": per_class(entry.scores).tolist(),
            "confused": entry.pairs,
            "predictions": [asdict(prediction) for prediction in entry.predictions],
        }
    return content
