# SPDX-License-Identifier: Apache-2.0
"""The page of what pre-training is worth: the same trainings from each start, by stored cards only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from bonefide.evaluation._content import dataset_title, paper_name
from bonefide.evaluation._summary import Figure, difference, duration
from bonefide.evaluation.audit import AuditCard
from bonefide.evaluation.compare import pooled
from bonefide.evaluation.results import markdown_row, markdown_rule
from bonefide.evaluation.starts import RANDOM, Change, Task, Trial, changes, trials_of
from bonefide.writing import write_file

__all__ = ["pretraining_markdown", "write_pretraining_study"]

_INTRODUCTION = (
    "Each row is one training on labels, from weights that were learned without any or from random ones: the same "
    "encoder, data, schedule and seed, as the digests on their cards prove; the start alone differs, and with it how "
    "fast early layers learn where the recipe says so. Top-1 in percent of the test samples, last epoch; mean ± sample "
    "standard deviation over seeds; the difference is that of pairs of equal seed. p is McNemar's exact test on the "
    "samples that only one of the two has right, the seeds added up; they share their test samples, so that p tends "
    "to be too low."
)
_ACCURACIES = ("training", "start", "top-1", "difference", "seeds", "only random right", "only it right", "p together")
_SETTINGS = ("training", "encoder", "frames", "epochs", "passes", "learned numbers", "time of one")
_PRETRAININGS = ("pre-training", "started from", "1-NN", "seeds", *_SETTINGS[1:])
_NEIGHBORS = (
    "Pre-trainings have no classifier: in 1-NN a test sample gets the class of the training sample whose embedding "
    "points most in the same direction, after the last epoch. Passes are how often each training sample was seen, "
    "epochs times repeats within one."
)
_SIZES = ("width", "depth", "heads", "base_channels")
_CHANCE = 0.05
_NONE = "\u2013"


def pretraining_markdown(cards: Sequence[AuditCard], *, command: str) -> str:
    """The document, in an order that depends on the cards alone.

    Args:
        cards: of pre-trainings, and of trainings that started from them or from random weights.
        command: what made the document, to stand in it.

    Raises:
        RunError: if two different cards stand for the same training.
        ScoresError: if the record of right samples on a card is damaged.

    Example:
        >>> print(pretraining_markdown([], command="bonefide report").splitlines()[0])
        # What pre-training is worth
    """
    tasks, pretrained, left = trials_of(cards)
    lines = ["# What pre-training is worth", ""]
    lines += [f"Made from stored audit cards by `{command}`; not edited by hand.", _INTRODUCTION, _NEIGHBORS]
    places = dict.fromkeys(_place(trial) for trial in (*(task.first for task in tasks), *pretrained))
    for place in sorted(places):
        here = [task for task in tasks if _place(task.first) == place]
        before = [trial for trial in pretrained if _place(trial) == place]
        lines += ["", f"## {dataset_title(place[0])}, {place[1]}"]
        if here:
            lines += ["", *_accuracies(here), "", *_verdicts(here), "", *_settings(here)]
        if before:
            lines += ["", "### The pre-trainings", "", *_before(before)]
    lines += [] if places else ["", "There are no such trainings yet."]
    if left:
        lines += [
            "",
            "## Left out",
            "",
            "Chosen with test labels, or not of a recipe of this package as it is now:",
            "",
        ]
        lines += [f"- {card.recipe}, {card.run}, seed {', '.join(map(str, card.seeds))}" for card in left]
    return "\n".join(lines) + "\n"


def write_pretraining_study(cards: Sequence[AuditCard], file: Path, *, command: str) -> Path:
    """Write the document, all or nothing.

    Args:
        cards: of pre-trainings, and of trainings that started from them or from random weights.
        file: usually `docs/study_self_supervised.md`.
        command: what made the document, to stand in it.

    Raises:
        OutputError: if the place cannot be written.
        RunError: if two different cards stand for the same training.
        ScoresError: if the record of right samples on a card is damaged.
    """
    write_file(file, pretraining_markdown(cards, command=command))
    return file


def _accuracies(tasks: list[Task]) -> list[str]:
    lines = [markdown_row(_ACCURACIES), markdown_rule("--rr-rrr")]
    for task in tasks:
        for start, trials in task.starts.items():
            figure = Figure.of(trial.card.accuracy for trial in trials)
            found = [] if start == RANDOM else changes(task.starts.get(RANDOM, []), trials)
            cells = [task.name, start, str(figure), _points(found), _seeds(trials)]
            lines.append(markdown_row(cells + (_disagreement(found) if found else [_NONE] * 3)))
    return lines


def _disagreement(found: list[Change]) -> list[str]:
    together = pooled(change.disagreement for change in found)
    return [str(together.only_first), str(together.only_second), f"{together.p_value:.2g}"]


def _points(found: list[Change]) -> str:
    figure = Figure.of(change.points for change in found)
    if figure is None:
        return _NONE
    return difference(figure.mean, 0) + ("" if figure.spread is None else f" ± {figure.spread:.2f}")


def _verdicts(tasks: list[Task]) -> list[str]:
    """Sentences on where each start pays, and on what the starts are to each other."""
    starts = list(dict.fromkeys(start for task in tasks for start in task.starts if start != RANDOM))
    lines = [f"- {_verdict(tasks, RANDOM, start)}" for start in starts]
    pairs = [(first, second) for place, first in enumerate(starts) for second in starts[place + 1 :]]
    lines += [f"- {_verdict(tasks, first, second)}" for first, second in pairs]
    alone = [start for start in starts if len(_weights(tasks, start)) == 1]
    if alone:
        lines.append(f"- One pre-training each: {', '.join(alone)}. Seeds and spread are those of what follows it.")
    return lines


def _weights(tasks: list[Task], start: str) -> set[object]:
    return {trial.card.start.get("sha256") for task in tasks for trial in task.starts.get(start, [])}


def _verdict(tasks: list[Task], first: str, second: str) -> str:
    said: dict[str, list[str]] = {"better": [], "worse": [], "equal": []}
    for task in tasks:
        found = changes(task.starts.get(first, []), task.starts.get(second, []))
        if found:
            together = pooled(change.disagreement for change in found)
            chance = together.p_value >= _CHANCE
            verdict = "equal" if chance else "better" if together.only_second > together.only_first else "worse"
            said[verdict].append(f"{task.name} ({_points(found)}, p {together.p_value:.2g})")
    if first == RANDOM:
        words, head = ("pays in", "costs accuracy in", "makes no difference to be told from chance in"), second
    else:
        words, head = ("is better in", "is worse in", "is not to be told from it in"), f"{second}, beside {first},"
    parts = [f"{word} {', '.join(tasks)}" for word, tasks in zip(words, said.values(), strict=True) if tasks]
    return f"{head} {'; '.join(parts) or 'has no pairs of equal seeds yet'}."


def _settings(tasks: list[Task]) -> list[str]:
    lines = [markdown_row(_SETTINGS), markdown_rule("--rrrrr")]
    for task in tasks:
        trials = [trial for starts in task.starts.values() for trial in starts]
        lines.append(markdown_row([task.name, *_setting(trials)]))
    return lines


def _before(trials: list[Trial]) -> list[str]:
    lines = [markdown_row(_PRETRAININGS), markdown_rule("--r--rrrrr")]
    for (recipe, run), group in groupby(trials, key=lambda trial: (trial.card.recipe, trial.card.run)):
        same = list(group)
        name = paper_name(same[0].card.paper)
        figure = Figure.of(trial.card.accuracy for trial in same)
        cells = [f"{name}: {recipe}, {run}", same[0].start, str(figure), _seeds(same)]
        lines.append(markdown_row(cells + _setting(same)))
    return lines


def _setting(trials: list[Trial]) -> list[str]:
    first = trials[0]
    sizes = ", ".join(f"{key} {value}" for key, value in first.recipe.encoder.options.items() if key in _SIZES)
    seconds = sum(trial.card.seconds for trial in trials) / len(trials)
    return [
        f"{first.recipe.encoder.name}, {sizes}" if sizes else first.recipe.encoder.name,
        str(first.frames or "unknown"),
        str(first.card.epochs or "unknown"),
        str(first.passes or "unknown"),
        f"{first.card.parameters:,}" if first.card.parameters else "unknown",
        duration(seconds) if seconds else "unknown",
    ]


def _place(trial: Trial) -> tuple[str, str]:
    return trial.card.dataset, trial.card.protocol


def _seeds(trials: Iterable[Trial]) -> str:
    return ", ".join(str(seed) for trial in trials for seed in trial.card.seeds)
