# SPDX-License-Identifier: Apache-2.0
"""What methods of zero-shot recognition cost, with or behind their encoders: one function for each part."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from bonefide.benchmark.table import Cell, Table
from bonefide.benchmark.timing import Cost, median, timed
from bonefide.data.class_splits import ClassSplit
from bonefide.encoders.stgcn import STGCN
from bonefide.layouts import layout
from bonefide.methods._method import Method
from bonefide.methods.neuron import Neuron
from bonefide.methods.pgfa import PGFA
from bonefide.methods.smie import SMIE
from bonefide.text.bank import TextBank
from bonefide.types import Batch, Features

__all__ = ["alignment_step", "estimation_step", "matcher_recognition", "matcher_step", "measure_zero_shot"]

_SIZE = 1024
_CLASSES, _SEEN, _SENTENCES, _TEXT_WIDTH = 60, 55, 10, 768
_SAMPLES, _CHANNELS, _FRAMES, _JOINTS = 64, 256, 16, 25
_CLIPS, _CLIP_FRAMES, _PERSONS = 32, 50, 2
_KINDS = ("spatial_coarse", "spatial_mid", "spatial_fine", "temporal_1", "temporal_12", "temporal_123")
_HOW = (
    "Neuron on features that are given, 64 of 256 x 16 x 25, texts of 60 classes by ten sentences of 768 numbers, 80 "
    "prototypes; float32, eager. Step: the six losses over 55 seen classes and their gradients, no optimiser. "
    "Recognition: scores of all classes. PGFA and SMIE with their light ST-GCN, 32 clips of 3 x 50 x 25 x 2: PGFA's "
    "losses and all gradients, SMIE's with the encoder frozen and clips masked. 'products' are multiples "
    f"of one product of matrices of {_SIZE} x {_SIZE} numbers in the same round, median of the "
    "rounds, in processor time on the CPU and on the clock "
    "elsewhere. 'official' is what the official code took on one thread of another machine, so 'times faster' compares "
    "two machines; tests keep a plain transcription and compare with it directly."
)
_COLUMNS = ("what", "cpu_ms", "wall_ms", "products", "official_ms", "times_faster", "goal", "met")


@dataclass(frozen=True)
class _Part:
    """What is timed: its task on a device, and on the CPU what the official code took and how much less is wanted."""

    task: Callable[..., Callable[[], object]]
    official_ms: float | None = None
    least: float | None = None


class _Given(nn.Module):
    """In place of an encoder: features (N, D', T', V', 1) instead of clips."""

    needs_joints = False
    map_axis = "joint"
    out_channels = _CHANNELS

    def map_size(self, frames: int) -> tuple[int, int, int]:
        return _CHANNELS, frames, _JOINTS

    def forward(self, clip: Tensor, joints: Tensor | None = None) -> Features:
        return Features(clip.permute(0, 4, 1, 2, 3), clip.mean(dim=(2, 3, 4)))


def matcher_step(*, device: str = "cpu") -> Callable[[], object]:
    """Losses of Neuron for 64 samples, and their gradients.

    Args:
        device: as torch names it.
    """
    method, batch = _matcher(device)
    return partial(_step, method, batch)


def matcher_recognition(*, device: str = "cpu") -> Callable[[], object]:
    """Scores of Neuron for 64 samples.

    Args:
        device: as torch names it.
    """
    method, batch = _matcher(device)
    return partial(_recognize, method.eval(), batch)


def alignment_step(*, device: str = "cpu") -> Callable[[], object]:
    """Loss of PGFA for 32 clips, and its gradients, the encoder's included.

    Args:
        device: as torch names it.
    """
    torch.manual_seed(0)
    method = PGFA(_light_encoder(), _CLASSES, *_names_and_split()).to(device)
    return partial(_step, method, _clips(device))


def estimation_step(*, device: str = "cpu") -> Callable[[], object]:
    """Losses of SMIE for 32 clips, and the estimator's gradients; the encoder sees them whole and masked.

    Args:
        device: as torch names it.
    """
    torch.manual_seed(0)
    method = SMIE(_light_encoder(), _CLASSES, *_names_and_split()).to(device)
    return partial(_step, method, _clips(device))


_PARTS = {
    "Neuron step, 64 samples": _Part(matcher_step, official_ms=1300, least=1.5),
    "Neuron recognition, 64 samples": _Part(matcher_recognition),
    "PGFA step, 32 clips": _Part(alignment_step, official_ms=2500, least=1.5),
    "SMIE step, 32 clips": _Part(estimation_step),
}


def measure_zero_shot(*, rounds: int, device: str = "cpu") -> Table:
    """Time every part against a matrix product, in turn.

    Args:
        rounds: at least 1; seven are enough.
        device: as torch names it.
    """
    left, right = torch.randn(2, _SIZE, _SIZE).to(device)
    tasks: dict[str, Callable[[], object]] = {"product": partial(torch.mm, left, right)}
    tasks |= {name: part.task(device=device) for name, part in _PARTS.items()}
    taken: dict[str, list[Cost]] = {name: [] for name in tasks}
    for number in range(rounds + 1):
        for name, task in tasks.items():
            cost = timed(task, device=device)
            # The first round warms up.
            if number:
                taken[name].append(cost)
    rows = [_row(name, costs, taken["product"], device=device) for name, costs in taken.items()]
    return Table("zeroshot", "Zero-shot recognition", _HOW, _COLUMNS, tuple(rows))


def _row(what: str, costs: list[Cost], product: list[Cost], *, device: str) -> tuple[Cell, ...]:
    cost = median(costs)
    pairs = zip(costs, product, strict=True)
    products = statistics.median(
        one.cpu / other.cpu if device == "cpu" else one.wall / other.wall for one, other in pairs
    )
    measured = (what, 1e3 * cost.cpu, 1e3 * cost.wall, products)
    part = _PARTS.get(what)
    if part is None or part.official_ms is None or part.least is None or device != "cpu":
        return (*measured, *[None] * 4)
    faster = part.official_ms / (1e3 * cost.cpu)
    return (*measured, part.official_ms, faster, f"{part.least:g} x", faster >= part.least)


def _matcher(device: str) -> tuple[Neuron, Batch]:
    torch.manual_seed(0)
    generator = np.random.default_rng(0)
    vectors = {kind: generator.normal(size=(_CLASSES, _SENTENCES, _TEXT_WIDTH)).astype(np.float32) for kind in _KINDS}
    texts = TextBank(tuple(map(str, range(_CLASSES))), vectors, {}, "random")
    classes = ClassSplit("random", tuple(range(_SEEN)), tuple(range(_SEEN, _CLASSES)))
    method = Neuron(_Given(), _CLASSES, texts, classes, frames=_FRAMES).to(device)
    index = torch.arange(_SAMPLES, device=device)
    return method, Batch(torch.rand(_SAMPLES, _CHANNELS, _FRAMES, _JOINTS, 1).to(device), index % _SEEN, index)


def _light_encoder() -> STGCN:
    return STGCN(layout("ntu25"), 3, base_channels=16, last_channels=_CHANNELS, init="default")


def _names_and_split() -> tuple[TextBank, ClassSplit]:
    """One sentence for each class, as PGFA and SMIE read them."""
    vectors = np.random.default_rng(0).normal(size=(_CLASSES, 1, _TEXT_WIDTH)).astype(np.float32)
    bank = TextBank(tuple(map(str, range(_CLASSES))), {"name": vectors, "definition": vectors}, {}, "random")
    return bank, ClassSplit("random", tuple(range(_SEEN)), tuple(range(_SEEN, _CLASSES)))


def _clips(device: str) -> Batch:
    index = torch.arange(_CLIPS, device=device)
    return Batch(torch.randn(_CLIPS, 3, _CLIP_FRAMES, _JOINTS, _PERSONS).to(device), index % _SEEN, index)


def _step(method: Method, batch: Batch) -> None:
    method.zero_grad()
    torch.stack(list(method.losses(batch).values())).sum().backward()


@torch.inference_mode()
def _recognize(method: Neuron, batch: Batch) -> Tensor:
    return method.decide(method.outputs(batch))
