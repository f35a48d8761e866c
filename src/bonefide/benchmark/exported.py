# SPDX-License-Identifier: Apache-2.0
"""What exporting trained networks changes: size, speed, decisions on their test sequences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from bonefide.benchmark.size import parameters
from bonefide.benchmark.table import Cell, Table
from bonefide.benchmark.timing import interleaved
from bonefide.config.build import Experiment
from bonefide.data.descriptor_dataset import DescriptorDataset
from bonefide.data.loader import collate, loader
from bonefide.data.store import open_store
from bonefide.errors import BonefideError
from bonefide.evaluation.test import trained_run
from bonefide.methods._method import Method
from bonefide.run import Run, find_runs
from bonefide.serving.calibration import calibration
from bonefide.serving.int8 import int8_bytes
from bonefide.serving.network import Network
from bonefide.serving.onnx import onnx_bytes, onnx_inference

__all__ = ["measure_exported"]

_SEQUENCES = 128
_HOW = (
    "Trained networks on sequences of their own data set, all on the processor. 'eager' is torch in float32, 'onnx' "
    "the same in ONNX Runtime, 'onnx_int8' in eight-bit integers where that pays, calibrated on at most "
    f"{_SEQUENCES} training sequences ('bonefide export RUN OUT.onnx --precision int8'). 'file' is the stored weights, "
    "or the ONNX file. 'forward': milliseconds a sample within a batch of {batch}, in turn with the other rows of the "
    "run; 'gain': times as fast as eager. 'top1' is the accuracy on the whole test part by the weights of the run, "
    "'unlike eager' the share of test sequences decided in another way than eager does. Layers that compute little for "
    "each number they read stay in float32, so narrow networks gain less than those of the papers; how little was set "
    "by eye, by speed and likeness to eager, on small networks of NW-UCLA and clips of its test part."
)
_COLUMNS = (
    "what",
    "variant",
    "parameters",
    "file_mb",
    "forward_ms",
    "gain",
    "top1_percent",
    "unlike_eager_percent",
)
_VARIANTS = ("eager", "onnx", "onnx_int8")


@dataclass(frozen=True, eq=False)
class _Made:
    """A way to run a network: from inputs to logits, and the size of its file in bytes."""

    infer: Callable[..., Tensor]
    size: int


def measure_exported(place: Path, store: Path, *, rounds: int, batch_size: int) -> Table:
    """Time, size and test the networks of finished runs, as they are and exported.

    Args:
        place: folder of one run, or of several; those that cannot be exported say why.
        store: the data they were trained with.
        rounds: at least 1.
        batch_size: samples in the batch that is timed.

    Raises:
        RunError: if there is no run.
        StoreError: if there is no store.
    """
    opened = open_store(store)
    rows: list[tuple[Cell, ...]] = []
    for run in find_runs([place]):
        try:
            method, data = trained_run(run, store=opened)
            network = _network(run, method, data)
        except BonefideError as error:
            # Where runs and stores lie is the machine's own affair.
            reason = str(error).splitlines()[0].removeprefix(f"{run.folder}: ").replace(str(opened.path), "STORE")
            rows.append(_without_numbers(run, reason))
            continue
        rows += _rows(run, network, data, rounds=rounds, batch_size=batch_size)
    return Table("exported", "Exported networks", _HOW.format(batch=batch_size), _COLUMNS, tuple(rows))


def _network(run: Run, method: Method, data: Experiment) -> Network:
    if run.recipe.training.select == "best_on_test":
        raise BonefideError("test labels chose its weights")
    if data.split is not None or method.judged_by_neighbors:
        raise BonefideError("it decides by comparing with texts or with other samples, not by logits")
    samples = data.known
    shape, layout = samples[0].clip.shape, samples.store.layout
    made = Network(method, layout, shape[0], shape[1], shape[-1], {})
    if isinstance(samples, DescriptorDataset):
        made = Network(method, layout, shape[1], shape[2], 1, {}, samples.images)
    # A network without logits, as those of pre-training, says so.
    made.infer(*made.inputs(1, made.frames))
    return made


def _rows(run: Run, network: Network, data: Experiment, *, rounds: int, batch_size: int) -> list[tuple[Cell, ...]]:
    made = _made(run, network, data)
    inputs = network.given(collate([data.known[place % len(data.known)] for place in range(batch_size)]))
    usable = {name: each for name, each in made.items() if isinstance(each, _Made)}
    costs = interleaved({name: partial(each.infer, *inputs) for name, each in usable.items()}, rounds=rounds)
    right, unlike = _judged(network, data, {name: each.infer for name, each in usable.items()})
    rows: list[tuple[Cell, ...]] = []
    for name, each in made.items():
        if isinstance(each, str):
            rows.append(_without_numbers(run, each, variant=name))
            continue
        about = (parameters(network.method), each.size / 1e6)
        times = (costs[name].over(batch_size).wall * 1e3, costs["eager"].wall / costs[name].wall)
        rows.append((_name(run), name, *about, *times, 100 * right[name], 100 * unlike[name]))
    return rows


def _made(run: Run, network: Network, data: Experiment) -> dict[str, _Made | str]:
    made: dict[str, _Made | str] = {"eager": _Made(network.infer, run.weights_file.stat().st_size)}
    threads = torch.get_num_threads()
    try:
        exact = onnx_bytes(network)
        made["onnx"] = _Made(onnx_inference(exact, threads=threads), len(exact))
        rounded = int8_bytes(onnx_bytes(network, "integers"), calibration(network, data, sequences=_SEQUENCES).measured)
        made["onnx_int8"] = _Made(onnx_inference(rounded, threads=threads), len(rounded))
    except BonefideError as error:
        for name in _VARIANTS[len(made) :]:
            made[name] = str(error).splitlines()[0]
    return made


def _judged(
    network: Network, data: Experiment, ways: dict[str, Callable[..., Tensor]]
) -> tuple[dict[str, float], dict[str, float]]:
    """Shares of the test part that are right, and that are decided in another way than eager does."""
    found: dict[str, list[Tensor]] = {name: [] for name in ways}
    labels: list[Tensor] = []
    for batch in loader(data.test, batch_size=64):
        labels.append(batch.label)
        inputs = network.given(batch)
        for name, infer in ways.items():
            found[name].append(infer(*inputs).argmax(dim=1))
    truth, decided = torch.cat(labels), {name: torch.cat(each) for name, each in found.items()}
    right = {name: float((each == truth).double().mean()) for name, each in decided.items()}
    unlike = {name: float((each != decided["eager"]).double().mean()) for name, each in decided.items()}
    return right, unlike


def _name(run: Run) -> str:
    return f"{run.recipe.name} {run.folder.name}"


def _without_numbers(run: Run, reason: str, *, variant: str = "") -> tuple[Cell, ...]:
    return (_name(run), f"{variant} not available: {reason}".strip(), *[None] * (len(_COLUMNS) - 2))
