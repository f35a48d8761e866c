# SPDX-License-Identifier: Apache-2.0
"""How fast networks are: latency of one sample, throughput of a batch, with and without the backward pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from bonefide.benchmark.official import OFFICIAL
from bonefide.benchmark.size import multiply_adds, parameters, peak_megabytes
from bonefide.benchmark.table import Cell, Table
from bonefide.benchmark.timing import Cost, interleaved
from bonefide.benchmark.variants import Subject, Variant, prepared
from bonefide.config.components import component, create
from bonefide.config.load import recipe, single_run
from bonefide.config.recipe import Component, Recipe
from bonefide.data import datasets
from bonefide.data.preparation import preparation
from bonefide.layouts import SkeletonLayout, layout
from bonefide.methods._method import Method
from bonefide.transforms import Compose
from bonefide.types import Batch

__all__ = ["encoder_subject", "measure_speed", "recipe_subject", "recipe_subjects"]

_FRAMES, _CLASSES = 64, 60
_COLOURS, _SIZE = 3, 112
_HOW = (
    "Random clips, float32, networks in turn, medians. 'latency': one sample forward, on the clock. 'forward' and "
    "'train': milliseconds a sample within a batch, without gradients, and forward, loss and backward without the "
    "optimiser; processor time counts only where the processor computes. 'alone' is 'forward' where each clip shows "
    "one person: absent ones are computed once a batch by networks that treat each person alone. Multiply-adds are "
    "those of convolutions and matrix products in one sample's forward pass, in units of a thousand million. Gains "
    "are times as fast as eager in the same rounds; 'compiled' is torch.compile of the encoder, 'bf16' autocast, "
    "'onnx' ONNX Runtime on the CPU with the same number of threads, 'onnx_int8' that in eight-bit integers, "
    "calibrated on the same clips. 'train over ctrgcn' is a training step in units of CTR-GCN's of the same table, "
    "the official code's beside it: where the first is lower, an encoder gained more on the official one than "
    "CTR-GCN did. 'peak' is what memory grows by in a training pass, gradients of parameters included: on CUDA what "
    "torch allocates, elsewhere what is resident, a lower bound where the C library is not glibc."
)
# Training sequences of NW-UCLA, where the number of others is not known.
_SEQUENCES = 1020
_COLUMNS = (
    "what",
    "variant",
    "clip",
    "batch",
    "parameters",
    "gmac",
    "latency_ms",
    "forward_ms",
    "forward_cpu_ms",
    "alone_ms",
    "train_ms",
    "train_cpu_ms",
    "forward_per_second",
    "forward_gain",
    "train_gain",
    "train_over_ctrgcn",
    "official_over_ctrgcn",
    "peak_mb",
)


def encoder_subject(name: str, *, batch_size: int) -> Subject:
    """An encoder with its defaults, a linear head and cross-entropy, on clips of NTU: 64 frames, 25 joints, 2 persons.

    One that reads images is given one of 112 x 112 a sample.

    Raises:
        UnknownNameError: if there is no such encoder.
    """
    ntu25, encoder = layout("ntu25"), Component(name=name)
    images: tuple[str, ...] = ()
    if getattr(component("encoders", name), "reads_images", False):
        images = ("gd",)
        clip, encoder = _random_images(batch_size, 1), _with(encoder, images=images, in_channels=_COLOURS)
    else:
        generator = torch.Generator().manual_seed(0)
        clip = torch.randn(batch_size, 3, _FRAMES, len(ntu25.joints), 2, generator=generator)
    method = Component(name="supervised")
    return _subject(name, (encoder, method), clip, skeleton=ntu25, classes=_CLASSES, images=images)


def recipe_subjects(name: str, *, batch_size: int) -> list[Subject]:
    """The networks of a recipe, one for each method its runs have; the first such run stands for the others.

    Raises:
        UnknownNameError: if there is no such recipe.
        RecipeError: if it does not fit.
    """
    whole = recipe(name)
    chosen: dict[str, str] = {}
    for run in whole.runs:
        chosen.setdefault(single_run(whole, run).method.name, run)
    if len(chosen) == 1:
        return [recipe_subject(name, batch_size=batch_size)]
    return [recipe_subject(name, batch_size=batch_size, run=run) for run in chosen.values()]


def recipe_subject(name: str, *, batch_size: int, run: str | None = None) -> Subject:
    """The network of one run of a recipe, on clips as its training makes them.

    Args:
        name: of the recipe.
        batch_size: samples.
        run: one of its runs; the first, after which it is not named, if None.

    Raises:
        UnknownNameError: if there is no such recipe or run.
        RecipeError: if it does not fit.
    """
    whole = recipe(name)
    one = single_run(whole, run or next(iter(whole.runs)))
    info = datasets.info(one.data.dataset)
    skeleton = _layout_of(one)
    if (images := one.data.images) is not None:
        one = one.model_copy(
            update={
                "encoder": _with(one.encoder, images=images, in_channels=_COLOURS),
                "method": _with(one.method, images=images),
            }
        )
        clips = _random_images(batch_size, len(images))
    else:
        clips = torch.from_numpy(np.stack([_random_clip(one, skeleton, seed) for seed in range(batch_size)]))
    sequences, _ = info.parts.get(one.data.protocol, (_SEQUENCES, 0))
    return _subject(
        f"{name} {run}" if run else name,
        (one.encoder, one.method),
        clips,
        skeleton=skeleton,
        classes=len(info.classes) or _CLASSES,
        trained=(sequences or _SEQUENCES) * one.data.repeat,
        images=tuple(one.data.images or ()),
    )


def measure_speed(
    subjects: Sequence[Subject], *, rounds: int, device: str = "cpu", variants: Sequence[Variant] = ("eager",)
) -> Table:
    """Time and size networks.

    Args:
        subjects: what to measure, in turn.
        rounds: at least 1.
        device: as torch names it.
        variants: how each is run; what cannot be run here says why.
    """
    sizes = {subject.name: _size(subject, device) for subject in subjects}
    made = {(each.name, how): prepared(each, how, device=device) for each in subjects for how in variants}
    tasks: dict[str, Callable[[], object]] = {}
    peaks: dict[tuple[str, str], float] = {}
    for (name, how), ready in made.items():
        if isinstance(ready, str):
            continue
        tasks[f"latency {name} {how}"] = ready.latency
        tasks[f"forward {name} {how}"] = ready.forward
        if ready.alone is not None:
            tasks[f"alone {name} {how}"] = ready.alone
        if ready.train is not None:
            tasks[f"train {name} {how}"] = ready.train
            peaks[name, how] = sizes[name].peak if how == "eager" else peak_megabytes(ready.train, device=device)
    costs = interleaved(tasks, rounds=rounds, device=device)
    rows: list[tuple[Cell, ...]] = []
    for subject in subjects:
        known, samples = sizes[subject.name], len(subject.batch.label)
        shape = " x ".join(map(str, subject.batch.clip.shape[1:]))
        for how in variants:
            ready = made[subject.name, how]
            about = (shape, samples, known.parameters, known.billions)
            if isinstance(ready, str):
                rows.append((subject.name, f"{how} not available: {ready}", *about, *[None] * (len(_COLUMNS) - 6)))
                continue
            key = f"{subject.name} {how}"
            gains = _gains(costs, subject.name, how, device)
            times = (*_times(costs, key, samples), *gains, *_over_ctrgcn(costs, subject.name, how))
            rows.append((subject.name, how, *about, *times, peaks.get((subject.name, how))))
    return Table("networks", "Networks", _HOW, _COLUMNS, tuple(rows))


@dataclass(frozen=True)
class _Size:
    parameters: int
    billions: float
    peak: float


def _size(subject: Subject, device: str) -> _Size:
    trained, tested = subject.on(device), subject.on(device)
    trained.method.train()
    tested.method.eval()
    # The first pass of all, which makes the gradients.
    peak = peak_megabytes(trained.train, device=device)
    return _Size(parameters(subject.method), multiply_adds(partial(tested.forward, 1)) / 1e9, peak)


def _times(costs: Mapping[str, Cost], key: str, samples: int) -> tuple[Cell, ...]:
    forward, train = costs[f"forward {key}"].over(samples), costs.get(f"train {key}")
    trained = (None, None) if train is None else (train.wall * 1e3 / samples, train.cpu * 1e3 / samples)
    latency, alone = costs[f"latency {key}"].wall * 1e3, costs.get(f"alone {key}")
    with_one = None if alone is None else alone.wall * 1e3 / samples
    return (latency, forward.wall * 1e3, forward.cpu * 1e3, with_one, *trained, 1 / forward.wall)


def _gains(costs: Mapping[str, Cost], name: str, how: str, device: str) -> tuple[Cell, ...]:
    """How many times as fast as eager: by processor time where the processor computes, else on the clock."""

    def gain(task: str) -> Cell:
        own, eager = costs.get(f"{task} {name} {how}"), costs.get(f"{task} {name} eager")
        if own is None or eager is None:
            return None
        return eager.cpu / own.cpu if device == "cpu" else eager.wall / own.wall

    return gain("forward"), gain("train")


def _over_ctrgcn(costs: Mapping[str, Cost], name: str, how: str) -> tuple[Cell, ...]:
    """A training step in units of CTR-GCN's, run alike; here, and that of the official code."""
    own, unit = costs.get(f"train {name} {how}"), costs.get(f"train ctrgcn {how}")
    known = OFFICIAL.get(name)
    if own is None or unit is None or known is None:
        return None, None
    return own.cpu / unit.cpu, known.train if how == "eager" else None


def _subject(
    name: str,
    parts: tuple[Component, Component],
    clip: torch.Tensor,
    *,
    skeleton: SkeletonLayout,
    classes: int,
    trained: int = _SEQUENCES,
    images: tuple[str, ...] = (),
) -> Subject:
    samples, channels, frames, _, persons = clip.shape
    label = torch.arange(samples) % classes
    given: dict[str, Any] = {
        "layout": skeleton,
        "in_channels": channels,
        "frames": frames,
        "persons": persons,
        "num_classes": classes,
        # For methods that remember every training sample.
        "train_labels": np.arange(trained) % classes,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        given["encoder"] = create("encoders", parts[0], given)
        made: Method = create("methods", parts[1], given)
    batch = Batch(clip.float(), label, torch.arange(samples), joints=clip.float())
    return Subject(name, made, batch, skeleton, images)


def _with(asked: Component, **options: object) -> Component:
    """A component with what a store would tell it."""
    return Component.model_validate({**asked.model_dump(), **options})


def _random_images(samples: int, count: int) -> torch.Tensor:
    shape = (samples, count, _COLOURS, _SIZE, _SIZE)
    return torch.randint(256, shape, generator=torch.Generator().manual_seed(0))


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
