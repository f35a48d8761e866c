# SPDX-License-Identifier: Apache-2.0
"""How the head of a supervised method starts."""

from __future__ import annotations

import math

import pytest
import torch

from bonefide.encoders.ctrgcn import CTRGCN
from bonefide.layouts import layout
from bonefide.methods.supervised import Supervised


@pytest.mark.parametrize(("deviation", "expected"), [(None, math.sqrt(2 / 120)), (0.02, 0.02)])
def test_the_head_starts_as_asked(deviation: float | None, expected: float) -> None:
    torch.manual_seed(0)
    method = Supervised(CTRGCN(layout("ucla20"), 3, persons=1, base_channels=16), 120, head_deviation=deviation)
    assert method.head.weight.std().item() == pytest.approx(expected, rel=0.05)
    assert bool(method.head.bias.any()) == (deviation is None)
