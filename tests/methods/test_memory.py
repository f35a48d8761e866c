# SPDX-License-Identifier: Apache-2.0
"""The memory of CSRE: what is written, kept, left out, resumed, and shared by several processes."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from bonefide.errors import ShapeError
from bonefide.methods._memory import Memory

SCRIPT = Path(__file__).with_name("two_processes.py")
SIZE, CLASSES, WIDTH = 24, 3, 6
LABELS = np.arange(SIZE) % CLASSES


def memory(*, full: bool = False, seed: int = 0, **options: Any) -> Memory:
    settings = {"width": WIDTH, "positives": 3, "negatives": 5, "temperature": 0.8} | options
    made = Memory(LABELS, CLASSES, seed=seed, **settings)
    if full:
        generator = torch.Generator().manual_seed(7)
        for bank in (made.spatial, made.temporal):
            bank.copy_(F.normalize(torch.randn(SIZE, WIDTH, generator=generator), dim=1))
        made.filled.fill_(True)
    return made


def batch(step: int = 0, *, count: int = 6) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(100 + step)
    index = torch.randperm(SIZE, generator=generator)[:count]
    spatial, temporal = torch.randn(2, count, WIDTH, generator=generator)
    return spatial, temporal, torch.from_numpy(LABELS)[index], index


def test_rows_are_what_samples_were_when_last_seen() -> None:
    made = memory()
    expected = torch.zeros(2, SIZE, WIDTH)
    for step in range(5):
        spatial, temporal, label, index = batch(step)
        made(spatial, temporal, label, index)
        expected[0, index], expected[1, index] = F.normalize(spatial, dim=1), F.normalize(temporal, dim=1)
    torch.testing.assert_close(torch.stack([made.spatial, made.temporal]), expected)
    assert torch.equal(made.filled, expected[0].any(dim=1))
    assert not made.filled.all()
    assert made.left_out == 0


def test_gradients_may_be_accumulated() -> None:
    """Two forward passes before one backward pass, which writes the bank in between, and each alone."""
    alone = []
    made = memory(full=True)
    for step in range(2):
        spatial, temporal, label, index = batch(step)
        spatial.requires_grad_()
        sum(made(spatial, temporal.requires_grad_(), label, index)).backward()
        alone += [spatial.grad, temporal.grad]
    made, leaves, total = memory(full=True), [], torch.zeros(())
    for step in range(2):
        spatial, temporal, label, index = batch(step)
        leaves += [spatial.requires_grad_(), temporal.requires_grad_()]
        total = total + sum(made(spatial, temporal, label, index))
    total.backward()
    for leaf, expected in zip(leaves, alone, strict=True):
        assert leaf.grad is not None
        assert expected is not None
        assert leaf.grad.any()
        assert torch.equal(leaf.grad, expected)


@pytest.mark.parametrize("bad", [0.0, torch.nan, torch.inf, 1e-20, 1e30])
@pytest.mark.parametrize("branch", [0, 1])
def test_vectors_without_direction_are_left_out(bad: float, branch: int) -> None:
    made = memory(full=True)
    before = copy.deepcopy(made.state_dict())
    spatial, temporal, label, index = batch()
    (spatial, temporal)[branch][2] = bad
    vectors = [spatial.requires_grad_(), temporal.requires_grad_()]
    found = made(*vectors, label, index)
    sum(found).backward()
    assert all(each.isfinite() and each > 0 for each in found)
    for name, vector in zip(("spatial", "temporal"), vectors, strict=True):
        assert vector.grad is not None
        assert vector.grad.isfinite().all()
        assert not vector.grad[2].any()
        assert vector.grad[[0, 1, 3, 4, 5]].any(dim=1).all()
        rows = made.state_dict()[name]
        assert torch.equal(rows[index[2]], before[name][index[2]])
        assert not torch.equal(rows[index[1]], before[name][index[1]])
        assert rows.isfinite().all()
    assert made.left_out == 1
    # Whoever comes next is contrasted as if nothing had been.
    assert all(each.isfinite() and each > 0 for each in made(*batch(1)))


def test_a_row_that_never_had_a_direction_stays_empty() -> None:
    made = memory()
    spatial, temporal, label, index = batch()
    spatial[3] = 0
    made(spatial, temporal, label, index)
    assert not made.filled[index[3]]
    assert made.filled[index].sum() == 5
    assert made.left_out == 1


def test_it_goes_on_from_its_state() -> None:
    first, seen = memory(seed=4), []
    for step in range(8):
        if step == 5:
            state = copy.deepcopy(first.state_dict())
        seen.append(first(*batch(step, count=12)))
    again = memory(seed=99)
    again.load_state_dict(state)
    for step in range(5, 8):
        found = again(*batch(step, count=12))
        assert found == seen[step]
        assert found[0] > 0
    assert first.state_dict().keys() == again.state_dict().keys()
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in first.state_dict().items())


def test_the_seed_decides_and_no_other_generator() -> None:
    found = []
    for seed, other in ((1, 5), (1, 6), (2, 5)):
        torch.manual_seed(other)
        before = torch.random.get_rng_state()
        made = memory(full=True, seed=seed)
        found.append(made(*batch()))
        assert torch.equal(before, torch.random.get_rng_state())
    assert found[0] == found[1]
    assert found[0][0] != found[2][0]


def test_branches_and_calls_draw_apart() -> None:
    """The same vectors in both branches and again: only the random negatives differ."""
    made = memory(full=True)
    made.temporal.copy_(made.spatial)
    spatial, _, label, index = batch()
    values = [each.item() for _ in range(3) for each in made(spatial, spatial, label, index)]
    assert len(set(values)) == 6


def test_half_precision_is_calculated_in_float32() -> None:
    spatial, temporal, label, index = batch()
    exact = memory(full=True)(spatial.bfloat16().float(), temporal.bfloat16().float(), label, index)
    made = memory(full=True)
    vectors = spatial.bfloat16().requires_grad_()
    found = made(vectors, temporal.bfloat16(), label, index)
    assert found == exact
    found[0].backward()
    assert vectors.grad is not None
    assert vectors.grad.dtype == torch.bfloat16
    assert made.spatial.dtype == torch.float32


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"positives": 0}, "positives must be at least 1, got 0"),
        ({"negatives": 0}, "negatives must be at least 1, got 0"),
        ({"temperature": 0.0}, "temperature must be above 0"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"seed": 2**63}, "seed must be at least 0"),
    ],
)
def test_what_cannot_be(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        memory(**options)


def test_processes_that_train_together_keep_equal_banks(tmp_path: Path) -> None:
    places = {
        (processes, rank): tmp_path / f"{processes}-{rank}.pt" for processes in (1, 2) for rank in range(processes)
    }
    children = [
        subprocess.Popen(
            [sys.executable, str(SCRIPT), str(rank), str(processes), str(tmp_path / "meeting"), str(out)],
            stderr=subprocess.PIPE,
            text=True,
        )
        for (processes, rank), out in places.items()
    ]
    for child in children:
        _, errors = child.communicate(timeout=200)
        assert child.returncode == 0, errors
    alone, first, second = (torch.load(out, weights_only=True) for out in places.values())
    assert first["state"].keys() == second["state"].keys() == alone["state"].keys()
    assert first["losses"].isfinite().all()
    for name, value in first["state"].items():
        assert torch.equal(value, second["state"][name]), f"{name} differs between the processes"
    assert first["state"]["memory.filled"].sum() > 8
    assert torch.equal(first["state"]["memory.filled"], alone["state"]["memory.filled"])
    assert not torch.equal(first["losses"], second["losses"]), "each contrasts its own anchors"
    assert not torch.equal(first["draws"], second["draws"]), "each draws for itself"
    assert torch.equal(first["draws"], alone["draws"])
    # Of the first batch all four negatives are drawn, so nothing depends on chance.
    torch.testing.assert_close((first["losses"][0] + second["losses"][0]) / 2, alone["losses"][0])
