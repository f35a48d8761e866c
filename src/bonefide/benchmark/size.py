# SPDX-License-Identifier: Apache-2.0
"""How big a network is: parameters, multiply-adds, memory at its peak."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from bonefide.training.memory import keep_freed_memory, return_freed_memory

__all__ = ["highest_megabytes", "multiply_adds", "parameters", "peak_megabytes"]

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def parameters(module: nn.Module) -> int:
    """Number of learned values.

    Example:
        >>> parameters(nn.Linear(3, 2))
        8
    """
    return sum(each.numel() for each in module.parameters())


def multiply_adds(task: Callable[[], object]) -> int:
    """Multiply-adds of the convolutions and matrix products of a call; what is done element by element is left out.

    Example:
        >>> multiply_adds(lambda: torch.zeros(2, 3) @ torch.zeros(3, 5))
        30
    """
    with FlopCounterMode(display=False) as counter:
        task()
    return int(counter.get_total_flops()) // 2


def peak_megabytes(task: Callable[[], object], *, device: str = "cpu") -> float:
    """What memory grows by, at its highest, during a call.

    On CUDA what torch has allocated, exactly. Elsewhere what is resident of the process: with another C library than
    glibc what the allocator had kept from before is not seen, so it is a lower bound; where the peak cannot be reset
    (not Linux), only growth beyond the highest peak so far is.

    Args:
        task: what is called, once.
        device: where it computes.
    """
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        task()
        return (torch.cuda.max_memory_allocated(device) - before) / 1e6
    return_freed_memory()
    try:
        return _growth(task) / 1e6
    finally:
        keep_freed_memory()


def _growth(task: Callable[[], object]) -> int:
    try:
        _RESET.write_text("5", encoding="ascii")
        before = _resident("VmRSS")
        task()
        return _resident("VmHWM") - before
    except OSError:
        before = _highest()
        task()
        return _highest() - before


def highest_megabytes(*, device: str = "cpu") -> float:
    """The most memory this process has had so far.

    Args:
        device: on CUDA it is what torch has allocated there, elsewhere all that was resident.
    """
    return (torch.cuda.max_memory_allocated(device) if device.startswith("cuda") else _highest()) / 1e6


def _resident(line: str) -> int:
    text = _STATUS.read_text(encoding="ascii", errors="replace")
    return int(next(each for each in text.splitlines() if each.startswith(line)).split()[1]) * 1024


def _highest() -> int:
    try:
        return _resident("VmHWM")
    except (OSError, StopIteration):
        # Less exact: on Linux it begins with the peak of the process that started this one.
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
