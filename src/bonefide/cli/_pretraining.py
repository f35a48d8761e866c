# SPDX-License-Identifier: Apache-2.0
"""Pictures of what a pre-training sees, for `bonefide draw`, `report` and `demo`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from bonefide.data.store import SkeletonStore
    from bonefide.evaluation.pretraining import Picture
    from bonefide.evaluation.report import Illustration
    from bonefide.hub.recognizer import Recognizer
    from bonefide.run import Run
    from bonefide.types import SkeletonSequence

__all__ = ["drawn", "illustrations"]

_FRAMES, _SIZE = 8, 240
_WORDS = {
    "prime": (
        "Prime joints",
        "Red discs grow with how much the density around a joint changes, as shares of its largest change in the clip.",
    ),
    "hidden": (
        "Hidden tokens and where they are taken to be",
        "Hidden joints are grey; where the network takes them to be is green. Mean and deviation of the true token are "
        "given back to what it predicts, and predicted motions start where the joint is, so the picture flatters it.",
    ),
    "attention": (
        "Attention",
        "How much the features owe to each joint at each time by attention rollout, nothing hidden: multiples of an "
        "even share, from yellow to red. Where attention goes is no proof of what decides.",
    ),
}


def drawn(network: Recognizer, sequence: SkeletonSequence, picture: Picture, *, frames: int, size: int) -> bytes:
    """A PNG of the clip as the network takes it, which is not the recording.

    Raises:
        DataError: if the network does not see joints, or there is no such picture of it.
    """
    from bonefide.errors import DataError
    from bonefide.evaluation.pretraining import attention, hidden_tokens, prime_joints
    from bonefide.visualization.pretraining import draw_attention, draw_hidden, draw_prime

    if network.config.stream != "joint":
        raise DataError(f"these weights see {network.config.stream}, which is no body to draw; give weights of joints")
    batch = next(network.batches([sequence]))
    joints, layout = batch.clip[0].permute(3, 1, 2, 0).cpu().numpy(), network.config.skeleton
    if picture == "prime":
        return draw_prime(joints, prime_joints(network.method, batch), layout, frames=frames, size=size)
    if picture == "attention":
        return draw_attention(joints, attention(network.method, batch), layout, frames=frames, size=size)
    seen = hidden_tokens(network.method, batch)
    return draw_hidden(joints, seen.hidden, layout, guess=seen.guess, frames=frames, size=size)


def illustrations(runs: list[Run], store: SkeletonStore | None) -> dict[str, list[Illustration]]:
    """For the report: all pictures of one test sample for each pre-training, the same sample for all that have it.

    Of runs that differ in their seed only, the first is drawn. What cannot be drawn is told on stderr.
    """
    from bonefide.errors import BonefideError

    found: dict[str, list[Illustration]] = {}
    if store is None:
        return found
    first = {(run.facts["recipe"], run.facts["run"]): run for run in reversed(runs) if run.facts.get("neighbors")}
    for run in reversed(first.values()):
        try:
            found[str(run.folder)] = _of_run(run, store)
        except BonefideError as error:
            typer.echo(f"{run.folder}: no pictures of what it sees: {error}", err=True)
    return found


def _of_run(run: Run, store: SkeletonStore) -> list[Illustration]:
    from bonefide.evaluation.pretraining import pictures_of
    from bonefide.evaluation.report import Illustration
    from bonefide.evaluation.scores import load_scores
    from bonefide.hub.recognizer import Recognizer

    network = Recognizer.load(run.folder)
    known = set(store.names.tolist())
    name = next((name for name in sorted(load_scores(run.scores_file).names.tolist()) if name in known), None)
    if name is None or network.config.stream != "joint":
        return []
    sequence = store[name]
    return [
        Illustration(title, f"{words} Sample {name}.", drawn(network, sequence, picture, frames=_FRAMES, size=_SIZE))
        for picture, (title, words) in _WORDS.items()
        if picture in pictures_of(network.method)
    ]
