# SPDX-License-Identifier: Apache-2.0
"""Where networks compute."""

from __future__ import annotations

__all__ = ["computing_device"]


def computing_device(device: str) -> str:
    """A device as torch names it, for a process that does nothing else than computing there.

    Args:
        device: auto, cpu, cuda, cuda:N or mps.

    Raises:
        InstallationError: if it is unknown or not there.
    """
    from bonefide.training.devices import resolve_device
    from bonefide.training.memory import keep_freed_memory

    chosen = resolve_device(device)
    if chosen == "cpu":
        keep_freed_memory()
    return chosen
