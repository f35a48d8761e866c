# SPDX-License-Identifier: Apache-2.0
"""Stochastic depth of the transformer block; the rest is held against the plain formulas with the encoder."""

from __future__ import annotations

import pytest
import torch

from bonefide.errors import ShapeError
from bonefide.layers.transformer_block import TransformerBlock, TransformerStack


def test_whole_sequences_are_left_out_and_the_mean_stays() -> None:
    torch.manual_seed(0)
    block = TransformerBlock(8, 2, drop_path=0.25).train()
    torch.nn.init.zeros_(block.contract.weight)
    x = torch.randn(1, 5, 8).expand(4000, -1, -1)
    added = block(x) - x
    branch = block.eval()(x[:1]) - x[:1]
    left_out = (added == 0).flatten(1).all(dim=1)
    assert left_out.float().mean().item() == pytest.approx(0.25, abs=0.03)
    torch.testing.assert_close(added[~left_out], (branch / 0.75).expand(int((~left_out).sum()), -1, -1))


def test_in_evaluation_nothing_is_left_out() -> None:
    block, x = TransformerBlock(8, 2, drop_path=0.9).eval(), torch.randn(20, 5, 8)
    assert torch.equal(block(x), block(x))


def test_rates_rise_evenly_to_the_last_block() -> None:
    stack = TransformerStack(4, 8, 2, drop_path=0.3)
    assert [block.drop_path for block in stack.blocks] == pytest.approx([0, 0.1, 0.2, 0.3])
    assert [block.drop_path for block in TransformerStack(1, 8, 2, drop_path=0.3).blocks] == [0]


@pytest.mark.parametrize(("width", "heads"), [(9, 2), (8, 0), (0, 1)])
def test_a_width_that_heads_do_not_share(width: int, heads: int) -> None:
    with pytest.raises(ShapeError, match="multiple of its heads"):
        TransformerBlock(width, heads)


def test_attention_is_what_the_fused_pass_weighs_values_by() -> None:
    torch.manual_seed(0)
    block, x = TransformerBlock(8, 2).eval(), torch.randn(3, 5, 8)
    seen = block.attention(x)
    assert seen.shape == (3, 2, 5, 5)
    torch.testing.assert_close(seen.sum(dim=-1), torch.ones(3, 2, 5))
    values = block.qkv(block.norm1(x))[..., 16:].unflatten(-1, (2, 4)).transpose(1, 2)
    branch = block.project((seen @ values).transpose(1, 2).flatten(2))
    torch.nn.init.zeros_(block.contract.weight)
    torch.testing.assert_close(block(x) - x, branch)


def test_rollout_multiplies_the_blocks_attention() -> None:
    torch.manual_seed(0)
    stack, x = TransformerStack(3, 8, 2).eval(), torch.randn(3, 5, 8)
    owed, features = torch.eye(5).expand(3, -1, -1), x
    for block in stack.blocks:
        assert isinstance(block, TransformerBlock)
        owed = (torch.eye(5) + block.attention(features).mean(dim=1)) / 2 @ owed
        features = block(features)
    torch.testing.assert_close(stack.attention(x), owed.mean(dim=1))
    torch.testing.assert_close(stack.attention(x).sum(dim=1), torch.ones(3))
