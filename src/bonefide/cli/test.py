# SPDX-License-Identifier: Apache-2.0
"""`bonefide test`: scores and metrics of runs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["test"]


def test(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs; runs below them are found.")],
    store: Annotated[Path | None, typer.Option(help="The store, if it has moved since training.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Score the test part by the run's weights again, store the scores, print the metrics."""
    from bonefide.cli._device import computing_device
    from bonefide.cli._progress import Counter
    from bonefide.data.store import open_store
    from bonefide.evaluation.audit import audit
    from bonefide.evaluation.metrics import balanced_accuracy, top_k
    from bonefide.evaluation.scores import save_scores
    from bonefide.evaluation.test import test as score_run
    from bonefide.evaluation.zero_shot_figures import judged
    from bonefide.evaluation.zero_shot_words import zero_shot_rows
    from bonefide.run import find_runs

    opened = None if store is None else open_store(store)
    chosen = computing_device(device)
    results: dict[str, Any] = {}
    words: dict[str, list[tuple[str, str]]] = {}
    for run in find_runs(runs):
        with Counter(run.folder.name) as counter:
            scores = score_run(run, store=opened, device=chosen, progress=counter)
        save_scores(scores, run.scores_file)
        # A figure that test labels chose is never printed as an accuracy.
        prefix = "best_on_test_" if scores.selected_on == "best_on_test" else ""
        counted = judged(run)
        results[str(run.folder)] = {
            f"{prefix}top1": top_k(counted, 1),
            f"{prefix}top5": top_k(counted, 5),
            f"{prefix}balanced": balanced_accuracy(counted),
            "samples": len(counted.names),
            "selected_on": scores.selected_on,
        }
        card = None if prefix else audit(run)
        if card is not None and (card.parts or card.zero_shot):
            results[str(run.folder)] |= {"parts": card.parts, "oracles": card.oracles}
        if card is not None and card.zero_shot:
            results[str(run.folder)] |= {"zero_shot": asdict(card.zero_shot)}
            words[str(run.folder)] = zero_shot_rows(card.zero_shot)
    if as_json:
        typer.echo(json.dumps(results, indent=1))
        return
    for folder, metrics in results.items():
        numbers = "  ".join(f"{key} {value:.2f} %" for key, value in metrics.items() if isinstance(value, float))
        typer.echo(f"{folder}: {numbers}  ({metrics['samples']} samples, weights chosen: {metrics['selected_on']})")
        for name, said in words.get(folder, []):
            typer.echo(f"  {name}: {said}")
        for part, value in metrics.get("parts", {}).items():
            typer.echo(f"  {part:14} {value:6.2f} %")
        for oracle, value in metrics.get("oracles", {}).items():
            typer.echo(f"  {oracle:14} {value:6.2f} %  (labels decide: an upper bound and no accuracy)")
