# SPDX-License-Identifier: Apache-2.0
"""What methods need of each other's batches where several processes train one network."""

from __future__ import annotations

import torch
from torch import Tensor, distributed

__all__ = ["of_all_processes"]


def of_all_processes(rows: Tensor) -> Tensor:
    """The rows of all processes in their order, which must be equally many; those given where there is one only.

    Shape:
        rows: (N, ...), without gradient.
        returned: (N * processes, ...).
    """
    if not (distributed.is_available() and distributed.is_initialized()):
        return rows
    parts = [torch.empty_like(rows) for _ in range(distributed.get_world_size())]
    distributed.all_gather(parts, rows.contiguous())
    return torch.cat(parts)
