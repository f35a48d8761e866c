# SPDX-License-Identifier: Apache-2.0
"""Change every tensor of a batch."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from bonefide.types import Batch

__all__ = ["each_tensor"]


def each_tensor(batch: Batch, change: Callable[[Tensor], Tensor]) -> Batch:
    """The batch with every tensor it has changed; what it has not stays None.

    Example:
        >>> import torch
        >>> batch = Batch(torch.zeros(2, 3, 4, 5, 1), torch.zeros(2), torch.zeros(2))
        >>> tuple(each_tensor(batch, lambda part: part[:1]).clip.shape)
        (1, 3, 4, 5, 1)
    """
    joints = None if batch.joints is None else change(batch.joints)
    view = None if batch.view is None else change(batch.view)
    return Batch(change(batch.clip), change(batch.label), change(batch.index), joints, view)
