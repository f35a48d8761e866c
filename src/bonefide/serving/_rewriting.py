# SPDX-License-Identifier: Apache-2.0
"""Operations as runtimes have them fast: plain products instead of Einstein sums, maxima along the usual axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.export import ExportedProgram
from torch.nn import functional as F

__all__ = ["rewrite"]


def rewrite(program: ExportedProgram) -> ExportedProgram:
    """The same function in other operations, equal up to the order of float sums."""
    table: dict[Any, Any] = {
        torch.ops.aten.einsum.default: _einsum,
        torch.ops.aten.max_pool2d.default: _maximum,
    }
    return program.run_decompositions(table)


def _einsum(equation: str, tensors: Sequence[Tensor], *, path: Sequence[int] | None = None) -> Any:
    """A product of matrices; of several axes summed over all but the last become a batch, summed afterwards.

    So nothing need be moved to put summed axes side by side, which costs a runtime more than the smaller products.
    """
    given, _, result = equation.replace(" ", "").partition("->")
    names = given.split(",")
    if len(names) != 2 or "." in equation or any(len(set(each)) < len(each) for each in names):
        return NotImplemented
    left, right = names
    if set(left) - set(right) - set(result) or set(right) - set(left) - set(result):
        return NotImplemented
    shared = [name for name in left if name in right]
    summed = [name for name in shared if name not in result]
    batch, inner = [name for name in shared if name not in summed[-1:]], summed[-1:]
    rows = [name for name in left if name not in right]
    columns = [name for name in right if name not in left]
    sizes = {**dict(zip(left, tensors[0].shape, strict=True)), **dict(zip(right, tensors[1].shape, strict=True))}
    product = torch.matmul(
        _matrices(tensors[0], left, (batch, rows, inner), sizes),
        _matrices(tensors[1], right, (batch, inner, columns), sizes),
    )
    if summed[:-1]:
        product = product.sum(dim=[batch.index(name) for name in summed[:-1]])
    names_now = [name for name in batch if name in result] + rows + columns
    whole = product.reshape([sizes[name] for name in names_now])
    return whole.permute([names_now.index(name) for name in result])


def _matrices(x: Tensor, names: str, groups: tuple[list[str], list[str], list[str]], sizes: dict[str, int]) -> Tensor:
    order = [names.index(name) for group in groups for name in group]
    moved = x if order == sorted(order) else x.permute(order)
    batch, *rest = groups
    return moved.reshape([sizes[name] for name in batch] + [math.prod(sizes[name] for name in each) for each in rest])


def _maximum(x: Tensor, *window: Any) -> Any:
    """Undoes that joints lie in the channels, which torch has fast and others slow."""
    if x.ndim != 4 or x.shape[3] != 1 or x.shape[1] == 1:
        return NotImplemented
    return F.max_pool2d(x.permute(0, 3, 2, 1), *window).permute(0, 3, 2, 1)
