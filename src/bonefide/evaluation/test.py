# SPDX-License-Identifier: Apache-2.0
"""From a run, or a method and samples, to scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from bonefide.config.build import Experiment, build_data, build_method
from bonefide.config.load import recipe_digest
from bonefide.config.recipe import Selection
from bonefide.data.loader import Samples, loader
from bonefide.data.store import SkeletonStore, open_store
from bonefide.errors import RunError, ShapeError
from bonefide.evaluation.nearest import nearest_of_classes
from bonefide.evaluation.zero_shot import TRANSDUCTIVE
from bonefide.methods._method import Method
from bonefide.run import Run
from bonefide.types import Array, Outputs, Scores

__all__ = ["load_weights", "predict", "score", "test", "trained_run"]


def test(
    run: Run,
    *,
    store: SkeletonStore | None = None,
    device: str = "cpu",
    batch_size: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Scores:
    """Score the test part of a run's protocol by its weights.

    Args:
        run: a finished run.
        store: where the data are; the store it was trained on if None.
        device: as torch names it.
        batch_size: instead of the recipe's.
        progress: told the number of batches done and of all, after each.

    Raises:
        RunError: if the run has no weights, or its test part or preparation is no longer what it was trained with.
    """
    method, data = trained_run(run, store=store)
    return score(
        method.to(device),
        data.test,
        known=data.known,
        classes=data.classes,
        selected_on=run.recipe.training.select,
        hashes=data.hashes | {"recipe": recipe_digest(run.recipe)},
        batch_size=batch_size or run.recipe.data.test_batch_size,
        unseen=() if data.split is None else data.split.unseen,
        progress=progress,
    )


def trained_run(run: Run, *, store: SkeletonStore | None = None) -> tuple[Method, Experiment]:
    """The method of a run with its weights, and the data it was trained with.

    Args:
        run: a finished run.
        store: where the data are; the store it was trained on if None.

    Raises:
        RunError: if the run has no weights, or its test part or preparation is no longer what it was trained with.
    """
    if not run.weights_file.is_file():
        raise RunError(f"{run.folder}: no weights yet; the training has not finished")
    data = build_data(run.recipe, open_store(run.facts["store"]) if store is None else store)
    for name, now in (data.hashes | {"recipe": recipe_digest(run.recipe)}).items():
        if run.facts["hashes"].get(name) != now:
            raise RunError(f"{run.folder}: the {name} is not the one it was trained with; give the store it knows")
    method = build_method(run.recipe, data)
    load_weights(method, run.weights_file)
    return method, data


def score(
    method: Method,
    samples: Samples,
    *,
    known: Samples,
    classes: tuple[str, ...],
    selected_on: Selection,
    hashes: dict[str, str],
    batch_size: int,
    unseen: Sequence[int] = (),
    embedded: Callable[[Tensor], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Scores:
    """Score samples by a method, where it is and as it is.

    Args:
        method: on its device.
        samples: what to score.
        known: the training samples, for methods that are judged by neighbours; others do not look at them.
        classes: class names.
        selected_on: how the weights were chosen.
        hashes: digests to keep with the scores.
        batch_size: samples a batch; the scores do not depend on it.
        unseen: classes without training samples. If the method decides about all of their samples together, those
            scores are the branch "transductive"; samples of other classes have the usual ones there.
        embedded: told what the samples are embedded as, (N, E) on the CPU, if the method says embeddings.
        progress: told the number of batches done and of all, after each.
    """
    values, branches, embedding = _decided(
        method,
        samples,
        known=known,
        num_classes=len(classes),
        batch_size=batch_size,
        together=np.isin(samples.labels, unseen),
        progress=progress,
    )
    if embedded is not None and embedding is not None:
        embedded(embedding)
    found = {name: each.float().numpy() for name, each in branches.items()}
    return Scores(samples.names, values.float().numpy(), samples.labels, classes, selected_on, hashes, found)


def predict(
    method: Method,
    samples: Samples,
    *,
    known: Samples,
    num_classes: int,
    batch_size: int,
    progress: Callable[[int, int], None] | None = None,
) -> Tensor:
    """Decide about all samples at once, in evaluation mode.

    Args:
        method: on its device; it is left in the mode it was in.
        samples: what to decide about.
        known: the training samples, for methods that are judged by neighbours.
        num_classes: classes K.
        batch_size: samples a batch.
        progress: told the number of batches done and of all, after each.

    Shape:
        returned: (N, K), on the CPU.
    """
    return _decided(
        method,
        samples,
        known=known,
        num_classes=num_classes,
        batch_size=batch_size,
        together=np.zeros(len(samples), dtype=bool),
        progress=progress,
    )[0]


def _decided(
    method: Method,
    samples: Samples,
    *,
    known: Samples,
    num_classes: int,
    batch_size: int,
    together: Array,
    progress: Callable[[int, int], None] | None,
) -> tuple[Tensor, dict[str, Tensor], Tensor | None]:
    """What is decided, what the branches say, embeddings; on the CPU. `together` are samples of a joint decision."""
    trained = method.training
    method.eval()
    with torch.inference_mode():
        whole = _joined(_outputs(method, samples, batch_size, progress))
        if method.judged_by_neighbors:
            similar = _joined(_outputs(method, known, batch_size, progress))
            labels = torch.from_numpy(known.labels)
            decided = nearest_of_classes(
                _embedding(method, similar), labels, _embedding(method, whole), num_classes=num_classes
            )
        else:
            decided = method.decide(whole).cpu()
        branches = {name: each.cpu() for name, each in (whole.branches or {}).items()}
        if method.joint_decision and together.any():
            branches[TRANSDUCTIVE] = _jointly(method, whole, decided, torch.from_numpy(together))
    method.train(trained)
    return decided, branches, None if whole.embedding is None else whole.embedding.float().cpu()


def _jointly(method: Method, whole: Outputs, decided: Tensor, together: Tensor) -> Tensor:
    """Scores in which those samples are decided about together."""
    joint = decided.clone()
    joint[together] = method.decide_together(_some(whole, together)).to(joint)
    return joint


def _some(outputs: Outputs, which: Tensor) -> Outputs:
    """Those of some samples."""

    def taken(values: Tensor | None) -> Tensor | None:
        return None if values is None else values[which.to(values.device)]

    branches = None if outputs.branches is None else {k: v[which.to(v.device)] for k, v in outputs.branches.items()}
    return Outputs(taken(outputs.logits), taken(outputs.embedding), branches)


def _outputs(
    method: Method, samples: Samples, batch_size: int, progress: Callable[[int, int], None] | None
) -> list[Outputs]:
    device = next(method.parameters()).device
    collected: list[Outputs] = []
    batches = loader(samples, batch_size=batch_size)
    for batch in batches:
        moved = type(batch)(*(None if each is None else each.to(device) for each in batch))
        collected.append(method.outputs(moved))
        if progress is not None:
            progress(len(collected), len(batches))
    return collected


def _embedding(method: Method, outputs: Outputs) -> Tensor:
    if outputs.embedding is None:
        raise ShapeError(f"{type(method).__name__} is judged by neighbours, but says no embedding")
    return outputs.embedding.float().cpu()


def load_weights(method: Method, file: Path) -> None:
    """Load weights that left a training into a method, all of them and nothing else.

    Raises:
        RunError: if the file is missing or of another network.
    """
    try:
        method.load_weights(load_file(file))
    except (OSError, RuntimeError, SafetensorError) as error:
        first = str(error).strip().splitlines()[-1].strip()
        raise RunError(f"{file}: these weights do not fit the recipe: {first}") from error


def _joined(parts: list[Outputs]) -> Outputs:
    def whole(name: str) -> Tensor | None:
        tensors = [getattr(part, name) for part in parts]
        return None if tensors[0] is None else torch.cat(tensors)

    branches = None
    if parts[0].branches is not None:
        branches = {
            key: torch.cat([part.branches[key] for part in parts if part.branches is not None])
            for key in parts[0].branches
        }
    return Outputs(whole("logits"), whole("embedding"), branches)
