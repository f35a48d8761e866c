# SPDX-License-Identifier: Apache-2.0
"""The audit card: every number of a run beside how it was chosen."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bonefide.config.load import setting_digest
from bonefide.data.class_splits import ClassSplit
from bonefide.errors import RunError
from bonefide.evaluation.ensemble import FITTED_ON_TEST
from bonefide.evaluation.hits import pack_hits, samples_digest
from bonefide.evaluation.kept import form_of_weights
from bonefide.evaluation.metrics import balanced_accuracy, top_k
from bonefide.evaluation.scores import load_scores
from bonefide.evaluation.vote import Verdicts, branches_of, verdicts
from bonefide.evaluation.zero_shot import unseen_part
from bonefide.evaluation.zero_shot_figures import (
    ZeroShotFigures,
    gamma_of,
    split_of,
    zero_shot_figures,
    zero_shot_verdicts,
)
from bonefide.run import Run
from bonefide.types import Scores
from bonefide.writing import write_file

__all__ = ["AuditCard", "Choice", "audit", "card_of", "load_card", "save_card"]


@dataclass(frozen=True)
class Choice:
    """One epoch, and why it.

    Args:
        epoch: 1-based.
        test_top1: accuracy on the test part in percent.
        validation_top1: accuracy on the validation part in percent, if that chose.
    """

    epoch: int
    test_top1: float
    validation_top1: float | None = None


@dataclass(frozen=True)
class AuditCard:
    """What was measured, and on what it was chosen. All accuracies in percent.

    Args:
        recipe: name of the recipe.
        run: name of the run, "ensemble" for a fusion.
        paper: key of the paper.
        dataset: name of the data set.
        protocol: who trained and who tested.
        preparation: name of the preparation.
        stream: what the clip held; joined by "+" for a fusion.
        method: name of the method; empty if unknown, or if the members of a fusion differ in it.
        seeds: seeds of the trainings.
        selected_on: how the scored weights were chosen: "last", "validation" or "best_on_test".
        accuracy: top-1 of the scored weights; None if test labels chose them, for that figure is never called so.
        top5: top-5 of the same.
        balanced: mean of the classes' accuracies of the same.
        test_samples: size of the test part.
        last: the last epoch.
        validation_chosen: the best epoch by the validation part, if there was one.
        best_on_test: the best epoch by test labels. Not an accuracy: for comparison with papers that chose so.
        fusion: "weights" of a fusion by run, and under "chosen" how they were chosen.
        fitted_on_test: top-1 of a fusion whose weights test labels chose. Not an accuracy: for comparison with papers
            that fitted so.
        parts: top-1 of a network's branches or a fusion's members, of their "average" and "vote"; none if test labels
            chose anything.
        oracles: figures that labels decide, such as "any_right". Not accuracies: for comparison with papers that count
            so.
        published: the paper's figure, if known.
        source: where that stands.
        hashes: digests of "split", "preparation" and "recipe"; of the "setting", which is the recipe without its
            method; of the names of the test "samples"; of the "form" of the weights kept: names, types and shapes.
        epochs: length of training.
        seconds: time of training.
        parameters: learned numbers.
        kept: numbers in the file of weights; 0 if unknown.
        hits: which test samples the scored weights have right, by `pack_hits`; empty if test labels chose them.
        neighbors: whether the class of a sample is that of the most similar training sample, by their embeddings, as
            for methods without a classifier.
        start: whose weights the training started from: "recipe", "run", "seed", "weights", "sha256"; nothing if it
            started from random ones.
        environment: versions, device.
        curve: rows of the log.
        classes: the class split whose classes took part; that of a rehearsal ends in "_rehearsal"; empty if all did.
        zero_shot: figures of a zero-shot recogniser. Accuracy, top-5, balanced, hits and test samples are then those of
            unseen classes among themselves, each sample decided for itself. None of others, and if test labels chose
            the scored weights.
    """

    recipe: str
    run: str
    paper: str
    dataset: str
    protocol: str
    preparation: str
    stream: str
    seeds: tuple[int, ...]
    selected_on: str
    accuracy: float | None
    top5: float | None
    balanced: float | None
    test_samples: int
    last: Choice | None = None
    validation_chosen: Choice | None = None
    best_on_test: Choice | None = None
    fusion: dict[str, Any] = field(default_factory=dict)
    fitted_on_test: float | None = None
    parts: dict[str, float] = field(default_factory=dict)
    oracles: dict[str, float] = field(default_factory=dict)
    published: float | None = None
    source: str = ""
    hashes: dict[str, str] = field(default_factory=dict)
    epochs: int = 0
    seconds: float = 0.0
    parameters: int = 0
    kept: int = 0
    method: str = ""
    hits: str = ""
    neighbors: bool = False
    start: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    curve: list[dict[str, float]] = field(default_factory=list)
    classes: str = ""
    zero_shot: ZeroShotFigures | None = None


def audit(run: Run) -> AuditCard:
    """The card of a finished run.

    Raises:
        RunError: if the run is not finished.
    """
    if not run.finished:
        raise RunError(f"{run.folder}: the training has not finished; start it again to continue it")
    whole, recipe, facts, log = load_scores(run.scores_file), run.recipe, run.facts, run.log()
    split = split_of(run, whole)
    scores = whole if split is None else unseen_part(whole, split)
    tested = [row for row in log if "test_top1" in row]
    validated = [row for row in tested if "validation_top1" in row]
    honest = _honest(scores)
    kept, form = form_of_weights(run.weights_file)
    if split is not None:
        parts = zero_shot_verdicts(whole, split, honest=honest)
    else:
        parts = _parts(scores) if honest else Verdicts({}, {})
    return AuditCard(
        recipe=facts["recipe"],
        run=facts["run"],
        paper=recipe.paper,
        dataset=recipe.data.dataset,
        protocol=recipe.data.protocol,
        preparation=facts["preparation"],
        stream=recipe.data.stream,
        seeds=(recipe.training.seed,),
        selected_on=scores.selected_on,
        accuracy=top_k(scores, 1) if honest else None,
        top5=top_k(scores, 5) if honest else None,
        balanced=balanced_accuracy(scores) if honest else None,
        test_samples=len(scores.names),
        last=_choice(tested[-1]) if tested else None,
        validation_chosen=_choice(validated[_best_row(validated, "validation_top1")]) if validated else None,
        best_on_test=_choice(tested[_best_row(tested, "test_top1")]) if tested else None,
        parts=parts.accuracies,
        oracles=parts.oracles,
        published=recipe.published.get(facts["run"]),
        source=recipe.source,
        hashes=scores.hashes
        | {"setting": setting_digest(recipe), "samples": samples_digest(scores)}
        | ({"form": form} if form else {}),
        epochs=len(log),
        seconds=sum(row.get("seconds", 0.0) for row in log),
        parameters=facts.get("parameters", 0),
        kept=kept,
        method=recipe.method.name,
        hits=pack_hits(scores) if honest else "",
        neighbors=facts.get("neighbors", False),
        start=facts.get("start", {}),
        environment=json.loads(run.environment_file.read_text(encoding="utf-8")),
        curve=log,
        classes=f"{recipe.data.classes}{'_rehearsal' * recipe.data.rehearsal}" if recipe.data.classes else "",
        zero_shot=_zero_shot(run, whole, split) if split is not None and honest else None,
    )


def card_of(
    scores: Scores,
    members: list[AuditCard],
    *,
    fusion: dict[str, Any],
    published: float | None,
    name: str = "ensemble",
    parts: Verdicts | None = None,
) -> AuditCard:
    """The card of a fusion.

    Args:
        scores: the fused scores; of zero-shot runs over all classes.
        members: cards of the runs fused.
        fusion: "weights" by run, and under "chosen" how they were chosen.
        published: the paper's figure for the fusion.
        name: of the fusion, as the recipe calls it.
        parts: figures of the members, if they are to stand on it.

    Raises:
        RunError: if the members are of different class splits.
    """
    first = members[0]
    split, whole = _common_split(members), scores
    scores = whole if split is None else unseen_part(whole, split)
    honest = _honest(scores)
    known = parts if honest and parts is not None else Verdicts({}, {})
    return AuditCard(
        recipe=first.recipe,
        run=name,
        paper=first.paper,
        dataset=first.dataset,
        protocol=first.protocol,
        preparation=first.preparation,
        stream="+".join(member.stream for member in members),
        seeds=tuple(dict.fromkeys(seed for member in members for seed in member.seeds)),
        selected_on=scores.selected_on,
        accuracy=top_k(scores, 1) if honest else None,
        top5=top_k(scores, 5) if honest else None,
        balanced=balanced_accuracy(scores) if honest else None,
        test_samples=len(scores.names),
        fusion=fusion,
        fitted_on_test=top_k(scores, 1) if FITTED_ON_TEST in scores.selected_on else None,
        parts=known.accuracies,
        oracles=known.oracles,
        published=published,
        source=first.source,
        hashes=scores.hashes | {"samples": samples_digest(scores)} | _setting(members, fusion),
        epochs=first.epochs,
        seconds=sum(member.seconds for member in members),
        parameters=sum(member.parameters for member in members),
        kept=sum(member.kept for member in members) if all(member.kept for member in members) else 0,
        method=first.method if len({member.method for member in members}) == 1 else "",
        hits=pack_hits(scores) if honest else "",
        environment=first.environment,
        classes=first.classes,
        zero_shot=zero_shot_figures(whole, split, texts=_texts(members)) if split is not None and honest else None,
    )


def save_card(card: AuditCard, file: Path) -> None:
    """Write a card as JSON, all or nothing.

    Raises:
        OutputError: if the place cannot be written.
    """
    write_file(file, json.dumps(asdict(card), indent=1) + "\n")


def load_card(file: Path) -> AuditCard:
    """Read a card.

    Raises:
        RunError: if the file is no card.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        for key in ("last", "validation_chosen", "best_on_test"):
            content[key] = Choice(**content[key]) if content.get(key) else None
        if content.get("zero_shot"):
            content["zero_shot"] = ZeroShotFigures.from_json(content["zero_shot"])
        return AuditCard(**{**content, "seeds": tuple(content["seeds"])})
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise RunError(f"{file}: not an audit card ({error})") from error


def _parts(scores: Scores) -> Verdicts:
    """What the branches of a network get; nothing of one without."""
    alone = branches_of(scores, joined=False)
    if not alone:
        return Verdicts({}, {})
    found = verdicts({"whole": scores, **alone}, alone=tuple(alone))
    joined = {name: top_k(each) for name, each in branches_of(scores).items() if name not in alone}
    return Verdicts(
        {name: value for name, value in found.accuracies.items() if name != "whole"} | joined, found.oracles
    )


def _zero_shot(run: Run, scores: Scores, split: ClassSplit) -> ZeroShotFigures:
    gamma, chosen_on = gamma_of(run)
    texts = run.recipe.data.texts
    named = Path(texts).name if texts.endswith(".npz") else texts
    return zero_shot_figures(scores, split, gamma=gamma, gamma_chosen_on=chosen_on, texts=named)


def _common_split(members: list[AuditCard]) -> ClassSplit | None:
    """Of zero-shot runs; None of others."""
    splits = {member.zero_shot.classes if member.zero_shot else None for member in members}
    if len(splits) > 1 or len({member.classes for member in members}) > 1:
        raise RunError("these runs are of different class splits; fuse runs of one split")
    return splits.pop()


def _texts(members: list[AuditCard]) -> str:
    return "+".join(dict.fromkeys(member.zero_shot.texts for member in members if member.zero_shot))


def _setting(members: list[AuditCard], fusion: dict[str, Any]) -> dict[str, str]:
    """Of a fusion: the settings of its members, and how, or by which weights, they are fused."""
    if not all("setting" in member.hashes for member in members):
        return {}
    weights = [] if "fitted" in fusion["chosen"] else list(fusion["weights"].values())
    content = [[member.hashes["setting"] for member in members], fusion["chosen"], weights]
    return {"setting": hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]}


def _honest(scores: Scores) -> bool:
    """Whether no test label had a say, in epochs or in weights of fusion."""
    return not {"best_on_test", FITTED_ON_TEST} & set(scores.selected_on.split("+"))


def _best_row(rows: list[dict[str, float]], key: str) -> int:
    """The first of the best."""
    return int(np.argmax([row[key] for row in rows]))


def _choice(row: dict[str, float]) -> Choice:
    return Choice(int(row["epoch"]), row["test_top1"], row.get("validation_top1"))
