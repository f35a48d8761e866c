# SPDX-License-Identifier: Apache-2.0
"""Rewritten programs compute the same in other operations."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim
from torch.nn import functional as F

from bonefide.serving._rewriting import rewrite


class _Sum(nn.Module):
    def __init__(self, equation: str, other: tuple[int, ...]) -> None:
        super().__init__()
        self.equation = equation
        self.register_buffer("other", torch.randn(other))

    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum(self.equation, x, self.other)


class _Maximum(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        turned = x.flatten(0, 1).unsqueeze(2).permute(0, 3, 1, 2)
        return F.max_pool2d(turned, (3, 1), (2, 1), (1, 0)).permute(0, 2, 3, 1).squeeze(2)


def _rewritten(module: nn.Module, x: Tensor) -> tuple[nn.Module, set[str]]:
    sizes = {"x": {0: Dim("batch", min=1, max=99)}}
    program = rewrite(
        torch.export.export(module, (x,), dynamic_shapes=sizes, prefer_deferred_runtime_asserts_over_guards=True)
    )
    return program.module(), {str(node.target) for node in program.graph.nodes}


@pytest.mark.parametrize(
    ("equation", "other"),
    [
        ("nscv,scuv->ncu", (3, 4, 6, 5)),
        ("nscv,vw->nscw", (5, 6)),
        ("nscv,sd->ncvd", (3, 6)),
        ("nscv,scv->n", (3, 4, 5)),
        ("nscv,cs->vncs", (4, 3)),
    ],
)
def test_products_replace_sums(equation: str, other: tuple[int, ...]) -> None:
    module, x = _Sum(equation, other), torch.randn(2, 3, 4, 5)
    made, operations = _rewritten(module, x)
    assert "aten.einsum.default" not in operations
    for each in (x, torch.randn(7, 3, 4, 5)):
        torch.testing.assert_close(made(each), module(each))


@pytest.mark.parametrize("equation", ["nscv,scw->nw", "...v,scv->...s"])
def test_other_sums_are_left(equation: str) -> None:
    module, x = _Sum(equation, (3, 4, 5)), torch.randn(2, 3, 4, 5)
    made, operations = _rewritten(module, x)
    assert "aten.einsum.default" in operations
    torch.testing.assert_close(made(x), module(x))


def test_maxima_are_taken_where_joints_lie() -> None:
    module, x = _Maximum(), torch.randn(2, 4, 9, 5)
    made, operations = _rewritten(module, x)
    assert "aten.max_pool2d.default" in operations
    each = torch.randn(3, 4, 9, 5)
    assert torch.equal(made(each), module(each))
