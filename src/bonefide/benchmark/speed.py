# SPDX-License-Identifier: Apache-2.0
"""How fast networks are: latency of one sample, throughput of a batch, with and without the backward pass."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from bonefide.benchmark.batches import each_tensor
from bonefide.benchmark.size import multiply_adds, parameters, peak_megabytes
from bonefide.benchmark.table import Cell, Table
from bonefide.benchmark.timing import interleaved
from bonefide.config.components import create
from bonefide.config.load import recipe, single_run
from bonefide.config.recipe import Component, Recipe
from bonefide.data import datasets
from bonefide.data.preparation import preparation
from bonefide.layouts import SkeletonLayout, layout
from bonefide.methods._method import Method
from bonefide.transforms import Compose
from bonefide.types import Batch

__all__ = ["Subject", "encoder_subject", "measure_speed", "recipe_subject"]

_FRAMES, _CLASSES = 64, 60
_HOW = (
    "Random clips, float32, networks in turn, medians. 'latency': one sample forward, on the clock. 'forward' and "
    "'train': milliseconds a sample within a batch, without gradients, and forward, loss and backward without the "
    "optimiser; processor time counts only where the processor computes. Multiply-adds are those of convolutions and "
    "matrix products in one sample's forward pass, in units of a thousand million. 'peak' is what memory grows by in "
    "the first training pass: exact on CUDA; elsewhere the process's resident memory, a lower bound."
)
_COLUMNS = (
    "what",
    "clip",
    "batch",
    "parameters",
    "gmac",
    "latency_ms",
    "forward_ms",
    "forward_cpu_ms",
    "train_ms",
    "train_cpu_ms",
    "forward_per_second",
    "peak_mb",
)


@dataclass(frozen=True, eq=False)
class Subject:
    """A network and what it is fed with.

    Args:
        name: of the encoder or recipe.
        method: the network with its head and losses.
        batch: input and labels.
    """

    name: str
    method: Method
    batch: Batch

    def on(self, device: str) -> Subject:
        """A copy on a device."""
        moved = each_tensor(self.batch, lambda part: part.to(device))
        return Subject(self.name, copy.deepcopy(self.method).to(device), moved)

    def train(self) -> None:
        """Forward, losses, backward."""
        self.method.zero_grad()
        torch.stack(list(self.method.losses(self.batch).values())).sum().backward()

    def forward(self, samples: int | None = None) -> None:
        """Forward without gradients, of the whole batch or its first samples."""
        with torch.no_grad():
            self.method.outputs(each_tensor(self.batch, lambda part: part[:samples]))


def encoder_subject(name: str, *, batch_size: int) -> Subject:
    """An encoder with its defaults, a linear head and cross-entropy, on clips of NTU: 64 frames, 25 joints, 2 persons.

    Raises:
        UnknownNameError: if there is no such encoder.
    """
    ntu25 = layout("ntu25")
    clip = torch.randn(batch_size, 3, _FRAMES, len(ntu25.joints), 2, generator=torch.Generator().manual_seed(0))
    return _subject(name, (Component(name=name), Component(name="supervised")), clip, skeleton=ntu25, classes=_CLASSES)


def recipe_subject(name: str, *, batch_size: int) -> Subject:
    """The network of a recipe's first run, on clips as its training makes them.

    Raises:
        UnknownNameError: if there is no such recipe.
        RecipeError: if it does not fit.
    """
    whole = recipe(name)
    one = single_run(whole, next(iter(whole.runs)))
    info = datasets.info(one.data.dataset)
    skeleton = _layout_of(one)
    clips = torch.from_numpy(np.stack([_random_clip(one, skeleton, seed) for seed in range(batch_size)]))
    return _subject(name, (one.encoder, one.method), clips, skeleton=skeleton, classes=len(info.classes) or _CLASSES)


def measure_speed(subjects: Sequence[Subject], *, rounds: int, device: str = "cpu") -> Table:
    """Time and size networks.

    Args:
        subjects: what to measure, in turn.
        rounds: at least 1.
        device: as torch names it.
    """
    tasks: dict[str, Callable[[], object]] = {}
    sizes: dict[str, tuple[int, float, float]] = {}
    for subject in subjects:
        trained, tested = subject.on(device), subject.on(device)
        trained.method.train()
        tested.method.eval()
        peak = peak_megabytes(trained.train, device=device)
        billions = multiply_adds(partial(tested.forward, 1)) / 1e9
        sizes[subject.name] = (parameters(subject.method), billions, peak)
        tasks[f"latency {subject.name}"] = partial(tested.forward, 1)
        tasks[f"forward {subject.name}"] = tested.forward
        tasks[f"train {subject.name}"] = trained.train
    costs = interleaved(tasks, rounds=rounds, device=device)
    rows: list[tuple[Cell, ...]] = []
    for subject in subjects:
        count, billions, peak = sizes[subject.name]
        samples = len(subject.batch.label)
        forward, train = (costs[f"{task} {subject.name}"].over(samples) for task in ("forward", "train"))
        shape = " x ".join(map(str, subject.batch.clip.shape[1:]))
        latency = costs[f"latency {subject.name}"].wall * 1e3
        times = (latency, forward.wall * 1e3, forward.cpu * 1e3, train.wall * 1e3, train.cpu * 1e3)
        rows.append((subject.name, shape, samples, count, billions, *times, 1 / forward.wall, peak))
    return Table("networks", "Networks", _HOW, _COLUMNS, tuple(rows))


def _subject(
    name: str, parts: tuple[Component, Component], clip: torch.Tensor, *, skeleton: SkeletonLayout, classes: int
) -> Subject:
    samples, channels, frames, _, persons = clip.shape
    label = torch.arange(samples) % classes
    given: dict[str, Any] = {
        "layout": skeleton,
        "in_channels": channels,
        "frames": frames,
        "persons": persons,
        "num_classes": classes,
        # As many as NW-UCLA has, for methods that remember every training sample.
        "train_labels": np.arange(1020) % classes,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        given["encoder"] = create("encoders", parts[0], given)
        made: Method = create("methods", parts[1], given)
    return Subject(name, made, Batch(clip.float(), label, torch.arange(samples), joints=clip.float()))


def _layout_of(one: Recipe) -> SkeletonLayout:
    name = one.data.preparation or next(iter(datasets.info(one.data.dataset).preparations.values()))
    # Joints and classes of one's own data are known from their store only; those of NTU stand for them.
    return layout(preparation(name, {}).layout or "ntu25")


def _random_clip(one: Recipe, skeleton: SkeletonLayout, seed: int) -> Any:
    # Kinect v2 tells two people apart; the older recordings hold one.
    persons = 2 if skeleton.name.startswith("ntu25") else 1
    given = {"layout": skeleton, "stream": one.data.stream}
    chain = Compose(tuple(create("transforms", each, given) for each in one.data.train))
    generator = np.random.default_rng(seed)
    clip = chain(generator.normal(size=(3, 100, len(skeleton.joints), persons)), generator)
    return np.ascontiguousarray(clip, dtype=np.float32)
