# SPDX-License-Identifier: Apache-2.0
"""The multi-scale temporal convolution of three papers: separate branches there, projections side by side in ours."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

__all__ = ["KEYS", "merge_branches", "split_branches"]

_PROJECTED = 3
_NORM = ("weight", "bias", "running_mean", "running_var")

KEYS = {
    "tcn1.branches.{}.3.conv.{}": "temporal.convolutions.{}.conv.{}",
    "tcn1.branches.{}.3.bn.{}": "temporal.convolutions.{}.norm.{}",
    "tcn1.branches.2.4.{}": "temporal.maximum_norm.{}",
    "tcn1.branches.3.0.{}": "temporal.plain.conv.{}",
    "tcn1.branches.3.1.{}": "temporal.plain.norm.{}",
    "project.{}": "temporal.project.{}",
    "project_norm.{}": "temporal.project_norm.{}",
    "residual.conv.{}": "residual.conv.{}",
    "residual.bn.{}": "residual.norm.{}",
}
"""Names within a block, after `merge_branches`, to ours."""


def merge_branches(block: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A block's tensors with the projections of the branches as one, and all others as they were.

    Args:
        block: official names within the block, `tcn1.branches...` among them.

    Raises:
        KeyError: naming a key that is missing.
    """
    merged = dict(block)

    def take(layer: int, kind: str) -> list[Tensor]:
        return [merged.pop(f"tcn1.branches.{branch}.{layer}.{kind}") for branch in range(_PROJECTED)]

    for kind in ("weight", "bias"):
        merged[f"project.{kind}"] = torch.cat(take(0, kind))
    for kind in _NORM:
        merged[f"project_norm.{kind}"] = torch.cat(take(1, kind))
    merged["project_norm.num_batches_tracked"] = take(1, "num_batches_tracked")[0]
    return merged


def split_branches(block: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Undo `merge_branches`."""
    split = dict(block)

    def give(layer: int, kind: str, parts: list[Tensor]) -> None:
        split.update({f"tcn1.branches.{branch}.{layer}.{kind}": part for branch, part in enumerate(parts)})

    for kind in ("weight", "bias"):
        give(0, kind, list(split.pop(f"project.{kind}").chunk(_PROJECTED)))
    for kind in _NORM:
        give(1, kind, list(split.pop(f"project_norm.{kind}").chunk(_PROJECTED)))
    give(1, "num_batches_tracked", [split.pop("project_norm.num_batches_tracked")] * _PROJECTED)
    return split
