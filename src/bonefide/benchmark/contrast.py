# SPDX-License-Identifier: Apache-2.0
"""What CSRE adds to a training step: its contrast with the memory, against one product of similarities."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from bonefide.benchmark.size import peak_megabytes
from bonefide.benchmark.table import Cell, Table
from bonefide.benchmark.timing import Cost, interleaved, median, timed
from bonefide.encoders.ctrgcn import CTRGCN
from bonefide.errors import InstallationError
from bonefide.layouts import layout
from bonefide.losses.memory_contrast import memory_contrast
from bonefide.methods._method import Method
from bonefide.methods.csre import CSRE
from bonefide.methods.supervised import Supervised
from bonefide.types import Batch

__all__ = ["Contrast", "extra_megabytes", "measure_contrast"]

_SAMPLES, _CLASSES, _BATCH, _WIDTH, _FRAMES = 40_091, 60, 64, 256, 64
_PRODUCTS = 5
_PRODUCTS_GOAL, _MEMORY_GOAL, _SHARE_GOAL = 5.0, 100.0, 10.0
_OFFICIAL_PRODUCTS, _OFFICIAL_MEMORY = 17.9, 220.0
_HOW = (
    f"Forward and backward pass of the contrast of {_BATCH} vectors of {_WIDTH} numbers with the memory of "
    f"{_SAMPLES:,} samples of {_CLASSES} classes, all of it filled: 128 hard positives, 512 hard and 512 random "
    "negatives of each, all anchors count. Vectors are the centre of their class and twice as much noise, fresh in "
    "every round; normalising and writing them belongs to it. 'products' are multiples of the similarities of all "
    f"vectors and rows, forward only, median of {_PRODUCTS} in the same round; the median of the rounds, in processor "
    "time on the CPU and on the clock elsewhere. The official code's were measured with it on another machine (17.9 to "
    "20.8 products, 220 to 230 MB); the lower ends stand here. Extra memory is what a fresh process grows by in its "
    "first call, on CUDA what torch allocates. On a GPU the last rows are training steps, forward and backward, of "
    f"CTR-GCN on {_BATCH} clips of {_FRAMES} frames, without and with CSRE: the share is what CSRE adds in the whole."
)
_COLUMNS = (
    "what",
    "cpu_ms",
    "wall_ms",
    "products",
    "share_percent",
    "goal",
    "met",
    "official_products",
    "extra_mb",
    "below_100",
    "official_mb",
)
_FRESH = (
    "from bonefide.benchmark.contrast import extra_megabytes; print(extra_megabytes({branches}, device={device!r}))"
)


class Contrast:
    """A full memory and what is contrasted with it.

    Args:
        samples: in the memory, at least 128 of each of 60 classes for all to count.
        device: as torch names it.
    """

    def __init__(self, *, samples: int, device: str = "cpu") -> None:
        self.labels = torch.arange(samples) % _CLASSES
        self.device = device
        self.generator = torch.Generator().manual_seed(0)
        self.centres = torch.randn(_CLASSES, _WIDTH, generator=self.generator)
        encoder = CTRGCN(layout("ucla20"), 3, persons=1, base_channels=8)
        self.memory = CSRE(encoder, _CLASSES, frames=_FRAMES, train_labels=self.labels.numpy(), seed=0).memory
        for bank in (self.memory.spatial, self.memory.temporal):
            for place in torch.arange(samples).split(1000):
                bank[place] = F.normalize(self._vectors(place), dim=1)
        self.memory.filled.fill_(True)
        self.memory.to(device)

    def batch(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Vectors of both branches, labels and places of a fresh batch."""
        index = torch.randperm(len(self.labels), generator=self.generator)[:_BATCH]
        vectors = [self._vectors(index).to(self.device).requires_grad_() for _ in range(2)]
        return vectors[0], vectors[1], self.labels[index].to(self.device), index.to(self.device)

    def product(self, vectors: Tensor) -> Tensor:
        """Similarities of all vectors and rows."""
        return vectors.detach() @ self.memory.spatial.T

    def one(self, vectors: Tensor, label: Tensor, index: Tensor) -> None:
        """Remember and contrast in one branch, forward and backward."""
        units = F.normalize(vectors, dim=1)
        self.memory.spatial[index] = units.detach()
        loss = memory_contrast(units, label, bank=self.memory.spatial, filled=self.memory.filled, rows=self.memory.rows)
        loss.backward()

    def both(self, spatial: Tensor, temporal: Tensor, label: Tensor, index: Tensor) -> None:
        """Remember and contrast in both branches, forward and backward."""
        first, second = self.memory(spatial, temporal, label, index)
        (first + second).backward()

    def call(self, branches: int) -> Callable[[], None]:
        """A call on a fresh batch."""
        spatial, temporal, label, index = self.batch()
        if branches == 1:
            return partial(self.one, spatial, label, index)
        return partial(self.both, spatial, temporal, label, index)

    def _vectors(self, places: Tensor) -> Tensor:
        noise = torch.randn(len(places), _WIDTH, generator=self.generator)
        return self.centres[self.labels[places]] + 2 * noise


def measure_contrast(*, rounds: int, device: str = "cpu") -> Table:
    """Time the contrast of one branch and of both, and on a GPU what it adds to a training step.

    Args:
        rounds: at least 1; eight are enough.
        device: as torch names it.

    Raises:
        InstallationError: if a fresh process fails.
    """
    contrast = Contrast(samples=_SAMPLES, device=device)
    product, ones, boths = [], [], []
    for number in range(rounds + 1):
        costs = [timed(partial(contrast.product, contrast.batch()[0]), device=device) for _ in range(_PRODUCTS)]
        first, second = (timed(contrast.call(branches), device=device) for branches in (1, 2))
        # The first round warms up.
        if number:
            product.append(median(costs))
            ones.append(first)
            boths.append(second)
    rows: list[tuple[Cell, ...]] = [_row("similarity product", product, product, device=device)]
    for branches, name, costs in ((1, "one branch", ones), (2, "both branches", boths)):
        extra = _extra_in_fresh_process(branches, device)
        rows.append(_row(name, costs, product, device=device, branches=branches, extra=extra))
    if device.startswith("cuda"):
        rows += _steps(rounds, device)
    return Table("csre", "The contrast of CSRE", _HOW, _COLUMNS, tuple(rows))


def extra_megabytes(branches: int, *, device: str = "cpu") -> float:
    """What memory grows by in the first call.

    Args:
        branches: 1 or 2.
        device: as torch names it.
    """
    return peak_megabytes(Contrast(samples=_SAMPLES, device=device).call(branches), device=device)


def _row(
    what: str,
    costs: list[Cost],
    product: list[Cost],
    *,
    device: str,
    branches: int = 0,
    extra: float | None = None,
) -> tuple[Cell, ...]:
    cost = median(costs)
    pairs = [
        (one.cpu, other.cpu) if device == "cpu" else (one.wall, other.wall)
        for one, other in zip(costs, product, strict=True)
    ]
    products = statistics.median(one / other for one, other in pairs)
    if not branches:
        return (what, 1e3 * cost.cpu, 1e3 * cost.wall, products, *[None] * 7)
    goal = branches * _PRODUCTS_GOAL
    within = None if extra is None else extra <= branches * _MEMORY_GOAL
    return (
        what,
        1e3 * cost.cpu,
        1e3 * cost.wall,
        products,
        None,
        f"{goal:g} products",
        products <= goal,
        branches * _OFFICIAL_PRODUCTS,
        extra,
        within,
        branches * _OFFICIAL_MEMORY,
    )


def _steps(rounds: int, device: str) -> list[tuple[Cell, ...]]:
    """Training steps of CTR-GCN without and with CSRE, its memory full."""
    ntu25 = layout("ntu25")
    labels = np.arange(_SAMPLES) % _CLASSES
    plain = Supervised(CTRGCN(ntu25, 3), _CLASSES)
    with_it = CSRE(CTRGCN(ntu25, 3), _CLASSES, frames=_FRAMES, train_labels=labels, seed=0)
    full = Contrast(samples=_SAMPLES, device=device).memory
    with_it.to(device).memory.load_state_dict(full.state_dict())
    index = torch.arange(_BATCH)
    clip = torch.randn(_BATCH, 3, _FRAMES, len(ntu25.joints), 2)
    batch = Batch(clip.to(device), torch.from_numpy(labels)[index].to(device), index.to(device))
    tasks = {"ctrgcn": partial(_step, plain.to(device), batch), "ctrgcn with csre": partial(_step, with_it, batch)}
    costs = interleaved(tasks, rounds=rounds, device=device)
    share = 100 * (1 - costs["ctrgcn"].wall / costs["ctrgcn with csre"].wall)
    rows: list[tuple[Cell, ...]] = []
    for name, cost in costs.items():
        judged: tuple[Cell, ...] = (None, None, None)
        if name != "ctrgcn":
            judged = (share, f"{_SHARE_GOAL:g} %", share <= _SHARE_GOAL)
        rows.append((f"training step, {name}", 1e3 * cost.cpu, 1e3 * cost.wall, None, *judged, *[None] * 4))
    return rows


def _step(method: Method, batch: Batch) -> None:
    method.zero_grad()
    torch.stack(list(method.losses(batch).values())).sum().backward()


def _extra_in_fresh_process(branches: int, device: str) -> float:
    command = [sys.executable, "-c", _FRESH.format(branches=branches, device=device)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise InstallationError(f"a fresh process cannot contrast: {ended.stderr.strip().splitlines()[-1]}")
    return float(ended.stdout)
