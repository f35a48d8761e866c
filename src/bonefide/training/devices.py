# SPDX-License-Identifier: Apache-2.0
"""What a user calls a device, and what Lightning and torch call it."""

from __future__ import annotations

import platform
import re
from pathlib import Path

import torch

from bonefide.errors import InstallationError

__all__ = ["accelerator", "describe_device", "describe_processor", "resolve_device"]


def resolve_device(device: str) -> str:
    """The device as torch names it; "auto" is the first GPU if there is one.

    Raises:
        InstallationError: if it is unknown or not there.

    Example:
        >>> resolve_device("cpu")
        'cpu'
    """
    if device == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    if device == "cpu":
        return device
    if match := re.fullmatch(r"cuda(?::(\d+))?", device):
        if int(match[1] or 0) < torch.cuda.device_count():
            return device
        raise InstallationError(
            f"device {device} is not there: torch {torch.__version__} sees {torch.cuda.device_count()} GPUs; "
            "use --device cpu, or see `bonefide doctor`"
        )
    if device == "mps" and torch.backends.mps.is_available():
        return device
    raise InstallationError(f"no device '{device}' here; there are: auto, cpu, cuda, cuda:N, mps (on Apple machines)")


def accelerator(device: str) -> tuple[str, int | list[int]]:
    """Lightning's accelerator and devices.

    Raises:
        InstallationError: if the device is unknown or not there.

    Example:
        >>> accelerator("cpu")
        ('cpu', 1)
    """
    kind, _, number = resolve_device(device).partition(":")
    return kind, [int(number)] if number else 1


def describe_device(device: str) -> str:
    """The device in words, for the record.

    Raises:
        InstallationError: if it is unknown or not there.
    """
    resolved = resolve_device(device)
    if resolved.startswith("cuda"):
        return str(torch.cuda.get_device_name(torch.device(resolved)))
    return f"{resolved} ({describe_processor()})"


def describe_processor() -> str:
    """Name of the processor and the instructions torch uses of it, for the record."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = named[0] if named else platform.processor() or platform.machine()
    return f"{name}, {torch.backends.cpu.get_cpu_capability()}"
