# SPDX-License-Identifier: Apache-2.0
"""The masked transformer and its pre-training: equal to the plain formulas; what no contract or golden number says."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from plain_masked_transformer import Model, PlainPretraining
from torch import Tensor, nn
from torch._dynamo.testing import CompileCounter

from bonefide.conversion import stjd_mp
from bonefide.encoders.masked_transformer import MaskedTransformer
from bonefide.errors import ShapeError
from bonefide.layouts import layout
from bonefide.methods.mae import MAE
from bonefide.methods.mamp import MAMP
from bonefide.methods.stjd_mp import STJDMP
from bonefide.types import Batch

METHODS: dict[str, Any] = {"mae": MAE, "mamp": MAMP, "stjd": STJDMP}
CONVERTER = stjd_mp.STJDMP()


class Given(nn.Module):
    def __init__(self, uniform: Tensor) -> None:
        super().__init__()
        self.uniform = uniform

    def forward(self, *_: object) -> Tensor:
        return self.uniform


def pair(model: Model) -> tuple[PlainPretraining, Any]:
    """The formulas and the method with the same weights in float64, nothing at its start."""
    torch.manual_seed(0)
    plain = PlainPretraining(
        model, frames=16, joints=20, width=16, depth=2, decoder_width=8, decoder_depth=2, heads=2
    ).double()
    for parameter in plain.parameters():
        nn.init.normal_(parameter, 0.1, 0.3)
    encoder = MaskedTransformer(layout("ucla20"), 3, frames=16, width=16, depth=2, heads=2)
    method = METHODS[model](encoder, decoder_depth=2, decoder_width=8).double()
    method.load_state_dict(CONVERTER.from_official(plain.state_dict()))
    return plain, method


def clips(count: int = 3, persons: int = 2) -> Tensor:
    clip = torch.randn(count, 3, 16, 20, persons, dtype=torch.float64).cumsum(2)
    clip[0, ..., -1] = 0
    return clip


def batch_of(clip: Tensor) -> Batch:
    return Batch(clip, torch.zeros(len(clip), dtype=torch.int64), torch.arange(len(clip)))


@pytest.mark.parametrize("model", ["mae", "mamp", "stjd"])
def test_pretraining_is_equal_to_the_formulas(model: Model) -> None:
    plain, method = pair(model)
    clip = clips()
    uniform = torch.rand(6, 80, dtype=torch.float64)
    method.mask.draws = Given(uniform)
    expected, found = plain(clip, uniform), method.losses(batch_of(clip))["masked_regression"]
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=0)
    expected.backward()
    found.backward()
    gradients = {key: torch.zeros_like(value) for key, value in method.state_dict().items()}
    gradients |= {key: each.grad for key, each in method.named_parameters()}
    official = CONVERTER.to_official(gradients)
    for key, parameter in plain.named_parameters():
        if parameter.grad is None:
            assert key.startswith("gen_mask.")
            assert not official[key].any()
        else:
            torch.testing.assert_close(official[key], parameter.grad, rtol=1e-7, atol=1e-10, msg=key)


def test_features_are_equal_to_the_formulas() -> None:
    plain, method = pair("mamp")
    clip = clips()
    expected = plain.encode(clip).view(3, 2, 4, 20, 16)
    features = method.encoder(clip)
    torch.testing.assert_close(features.map, expected.permute(0, 1, 4, 2, 3), rtol=1e-9, atol=1e-10)
    torch.testing.assert_close(features.pooled, expected.mean(dim=(1, 2, 3)), rtol=1e-9, atol=1e-10)


def test_all_tokens_in_another_order_are_all_tokens() -> None:
    encoder = pair("mae")[1].encoder
    tokens = encoder.patches(clips())
    order = torch.stack([torch.randperm(80) for _ in tokens])
    whole = encoder.encode(tokens)
    torch.testing.assert_close(
        encoder.encode(tokens, order), whole.gather(1, order.unsqueeze(-1).expand_as(whole)), rtol=1e-9, atol=1e-10
    )


def test_hidden_tokens_are_not_seen() -> None:
    encoder = pair("mae")[1].encoder
    tokens, visible = encoder.patches(clips()), torch.arange(7).expand(6, -1)
    other = tokens.clone()
    other[:, 7:] += 100
    assert torch.equal(encoder.encode(other, visible), encoder.encode(tokens, visible))


def test_persons_do_not_know_each_other() -> None:
    encoder, clip = pair("mae")[1].encoder, clips()
    alone = torch.cat([encoder(clip[..., person : person + 1]).map for person in range(2)], dim=1)
    torch.testing.assert_close(encoder(clip).map, alone, rtol=1e-9, atol=1e-10)


def test_a_token_holds_frames_then_joints_then_coordinates() -> None:
    encoder = MaskedTransformer(
        layout("ucla20"), 3, frames=6, width=4, depth=1, heads=1, patch_frames=3, patch_joints=5
    )
    clip = torch.arange(2 * 3 * 6 * 20 * 2.0).view(2, 3, 6, 20, 2)
    tokens = encoder.patches(clip)
    assert tokens.shape == (4, 2 * 4, 45)
    # Second sample, first person, second time, third group of joints.
    expected = clip[1, :, 3:6, 10:15, 0].permute(1, 2, 0).flatten()
    assert torch.equal(tokens[2, 1 * 4 + 2], expected)
    assert encoder.map_size(6) == (4, 2, 4)


@pytest.mark.parametrize(("options", "published"), [({}, 6_336_000), ({"qkv_bias": False}, 6_336_000 - 8 * 768)])
def test_as_many_parameters_as_published(options: dict[str, Any], published: int) -> None:
    encoder = MaskedTransformer(layout("ntu25"), 3, **options)
    assert sum(each.numel() for each in encoder.parameters()) == published


@pytest.mark.parametrize(
    ("method", "depth", "published"), [(MAMP, 3, 8_789_004), (MAE, 5, 10_368_524), (STJDMP, 5, 10_369_557)]
)
def test_pretraining_has_as_many_numbers_as_published(method: Any, depth: int, published: int) -> None:
    made = method(MaskedTransformer(layout("ntu25"), 3), decoder_depth=depth)
    assert sum(each.numel() for each in made.state_dict().values()) == published


def test_it_starts_as_published() -> None:
    torch.manual_seed(0)
    encoder = MaskedTransformer(layout("ntu25"), 3)
    assert 0.28 < encoder.embed.weight.abs().max() <= 12**-0.5
    for name, layer in encoder.stack.named_modules():
        if isinstance(layer, nn.Linear):
            bound = (6 / (layer.in_features + layer.out_features)) ** 0.5
            assert 0.95 * bound < layer.weight.abs().max() <= bound, name
            assert not layer.bias.any()
    for embedding in encoder.position.parameters():
        assert embedding.std().item() == pytest.approx(0.02, rel=0.1)


@pytest.mark.parametrize("name", ["mamp", "stjd"])
def test_recomputing_activations_changes_nothing(name: str) -> None:
    found = []
    for checkpointing in (False, True):
        torch.manual_seed(0)
        encoder = MaskedTransformer(
            layout("ucla20"), 3, frames=16, width=16, depth=2, heads=2, checkpointing=checkpointing
        )
        method = METHODS[name](encoder, decoder_depth=2, decoder_width=8, seed=3)
        loss = method.losses(batch_of(clips().float()))["masked_regression"]
        loss.backward()
        found.append([loss, *(each.grad for each in method.parameters())])
    assert method.decoder.stack.checkpointing
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-7)


def test_a_pretraining_step_is_one_graph_whatever_the_epoch() -> None:
    torch.compiler.reset()
    torch.manual_seed(0)
    encoder = MaskedTransformer(layout("ucla20"), 3, frames=16, width=16, depth=1, heads=2)
    method = STJDMP(encoder, decoder_depth=1, decoder_width=8, seed=3)
    counter = CompileCounter()
    compiled = torch.compile(method.losses, fullgraph=True, backend=counter)
    batch = batch_of(clips().float())
    for epoch in range(3):
        method.start_epoch(epoch)
        torch.testing.assert_close(compiled(batch), method.losses(batch), rtol=1e-5, atol=0)
    assert counter.frame_count == 1


def test_half_precision_draws_the_same_masks() -> None:
    method = pair("stjd")[1].float()
    batch = batch_of(clips().float())
    exact = method.losses(batch)["masked_regression"]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = method.losses(batch)["masked_regression"]
        masked = method.mask(batch.index, method.encoder.patches(batch.clip), method.scores(tokens_of(method, batch)))
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough, exact, rtol=0.02, atol=0)
    plain = method.mask(batch.index, method.encoder.patches(batch.clip), method.scores(tokens_of(method, batch)))
    assert torch.equal(masked.visible, plain.visible)


def tokens_of(method: Any, batch: Batch) -> Tensor:
    found: Tensor = method.encoder.patches(batch.clip)
    return found


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frames": 10}, "frames must be a multiple of 4 .* got 10"),
        ({"patch_joints": 3}, "must divide the 20 joints"),
        ({"patch_frames": 0}, "at least 1, got 0"),
        ({"width": 30, "heads": 8}, "multiple of its heads, got 30 and 8"),
        ({"depth": 0}, "depth must be at least 1"),
        ({"drop_path": 1.0}, "drop_path from 0 to below 1"),
        ({"mlp_ratio": 0.0}, "mlp_ratio must be above 0"),
    ],
)
def test_options_that_do_not_fit(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        MaskedTransformer(layout("ucla20"), 3, **({"frames": 16, "width": 16, "heads": 2} | options))


def test_clips_of_another_length() -> None:
    encoder = MaskedTransformer(layout("ucla20"), 3, frames=16, width=16, depth=1, heads=2)
    with pytest.raises(ShapeError, match="built for clips of 16 frames, got 20"):
        encoder.map_size(20)
    with pytest.raises(ShapeError, match=r"T=16.*got \(2, 3, 20, 20, 1\)"):
        encoder(torch.zeros(2, 3, 20, 20, 1))
