# SPDX-License-Identifier: Apache-2.0
"""Sizes of networks whose size is known."""

from __future__ import annotations

import platform
import sys

import pytest
import torch
from torch import nn

from bonefide.benchmark.size import multiply_adds, parameters, peak_megabytes
from bonefide.training.memory import keep_freed_memory


def test_a_convolution() -> None:
    layer = nn.Conv2d(3, 8, (5, 1), padding=(2, 0))
    assert parameters(layer) == 3 * 8 * 5 + 8
    assert multiply_adds(lambda: layer(torch.zeros(1, 3, 10, 4))) == 3 * 8 * 5 * 10 * 4


@pytest.mark.skipif(sys.platform != "linux", reason="the peak cannot be reset here")
def test_peak_counts_what_is_freed_again() -> None:
    assert peak_megabytes(lambda: torch.ones(25_000_000).sum().item()) == pytest.approx(100, abs=20)
    assert peak_megabytes(lambda: None) < 20


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="what the allocator has kept is not seen")
def test_memory_that_was_kept_does_not_hide_the_peak() -> None:
    keep_freed_memory()
    torch.ones(50_000_000)
    assert peak_megabytes(lambda: torch.ones(25_000_000).sum().item()) == pytest.approx(100, abs=20)
