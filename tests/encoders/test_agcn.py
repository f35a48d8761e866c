# SPDX-License-Identifier: Apache-2.0
"""2s-AGCN: size and start; equal to the plain formulas; what the contracts and golden numbers do not say."""

from __future__ import annotations

import math

import pytest
import torch
from plain_agcn import PlainAGCN
from torch import Tensor, nn

from bonefide.conversion import agcn
from bonefide.encoders.agcn import AGCN
from bonefide.errors import ShapeError
from bonefide.layouts import layout
from bonefide.methods.supervised import Supervised

converter = agcn.AGCN()


def _pair(*, persons: int = 2, classes: int = 5) -> tuple[PlainAGCN, Supervised]:
    """The formulas and the method with the same weights in float64, nothing at its start."""
    torch.manual_seed(0)
    skeleton = layout("ucla20")
    method = Supervised(AGCN(skeleton, 3, persons=persons, base_channels=8), classes).double()
    with torch.no_grad():
        for key, parameter in method.named_parameters():
            if key.endswith("learned"):
                parameter.normal_(0, 0.2)
            elif "norm" in key or key.endswith("bias"):
                parameter.uniform_(0.3, 1.2)
    for module in method.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 1.5)
    graphs = torch.tensor(skeleton.adjacency("spatial"), dtype=torch.float32).double()
    plain = PlainAGCN(graphs, persons=persons, classes=classes, base=8).double()
    plain.load_state_dict(converter.to_official(method.state_dict()))
    return plain, method


def _gradients(module: nn.Module, logits: Tensor, clip: Tensor) -> dict[str, Tensor]:
    clip.grad = None
    (logits * torch.cos(0.2 * torch.arange(logits.numel(), dtype=logits.dtype).view_as(logits))).sum().backward()
    return {"clip": clip.grad.clone()} | {key: each.grad for key, each in module.named_parameters()}


@pytest.mark.parametrize(
    ("name", "persons", "classes", "published"),
    [("ntu25", 2, 60, 3_469_510), ("ntu25", 2, 120, 3_484_930), ("ucla20", 1, 10, 3_449_730)],
)
def test_as_many_parameters_as_published(name: str, persons: int, classes: int, published: int) -> None:
    method = Supervised(AGCN(layout(name), 3, persons=persons), classes)
    assert sum(each.numel() for each in method.parameters()) == published


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("frames", [24, 50, 1])
@pytest.mark.parametrize("tiled", [True, False], ids=["frames first", "as it lies"])
def test_equal_to_the_formulas(frames: int, training: bool, tiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not tiled:
        monkeypatch.setattr("bonefide.encoders.agcn.tiles_pay", lambda x: False)
    plain, method = (each.train(training) for each in _pair())
    clip = torch.randn(3, 3, frames, 20, 2, dtype=torch.float64, requires_grad=True)
    features = method.encoder(clip)
    logits = method.head(features.pooled)
    # As training changes statistics, the formulas are asked once.
    theirs = _gradients(plain, plain(clip), clip)
    state = plain.state_dict()
    plain.load_state_dict(converter.to_official(_pair()[1].state_dict()))
    torch.testing.assert_close(features.map, plain.features(clip), rtol=1e-8, atol=1e-8)
    plain.load_state_dict(converter.to_official(_pair()[1].state_dict()))
    torch.testing.assert_close(logits, plain(clip), rtol=1e-8, atol=1e-8)
    ours = _gradients(method, logits, clip)
    largest = max(float(each.abs().max()) for each in theirs.values())
    torch.testing.assert_close(ours.pop("clip") / largest, theirs.pop("clip") / largest, rtol=1e-6, atol=1e-9)
    renamed = converter.to_official(method.state_dict() | ours)
    for key, value in theirs.items():
        torch.testing.assert_close(renamed[key] / largest, value / largest, rtol=1e-6, atol=1e-9, msg=key)
    for key, value in converter.to_official(method.state_dict()).items():
        torch.testing.assert_close(value, state[key], msg=key)


def test_it_starts_as_published() -> None:
    torch.manual_seed(0)
    encoder = AGCN(layout("ucla20"), 3, persons=1)
    for block in encoder.blocks:
        assert torch.all(block.spatial.learned == 1e-6)
        assert torch.all(block.spatial.norm.weight == 1e-6)
        assert torch.all(block.temporal.norm.weight == 1)
        assert not block.spatial.mix_bias.any()
    # Kaiming by fan-out of one embedding: 64 / 4 channels, not the six times as many that are computed side by side.
    assert encoder.blocks[1].spatial.embed.weight.std().item() == pytest.approx(math.sqrt(2 / 16), rel=0.05)
    assert encoder.blocks[9].spatial.mix_weight.std().item() == pytest.approx(math.sqrt(2 / (256 * 256 * 3)), rel=0.05)


def test_attention_of_all_sources_is_one() -> None:
    """With neither fixed nor learned graphs and equal joints, what a joint gathers is what each of them has."""
    encoder = AGCN(layout("ucla20"), 3, persons=1, base_channels=4)
    spatial = encoder.blocks[1].spatial
    nn.init.zeros_(spatial.learned)
    spatial.graphs.zero_()
    nn.init.constant_(spatial.norm.weight, 1)
    x = torch.randn(2, 4, 6, 1).expand(-1, -1, -1, 20)
    y = spatial.eval()(x, frames_first=False)
    z = sum(torch.einsum("oc,nctv->notv", each, x) for each in spatial.mix_weight.flatten(1).chunk(3, dim=1))
    torch.testing.assert_close(y, torch.relu(spatial.norm(z) + x))


@pytest.mark.parametrize("width", [0, 2, 62])
def test_widths_that_do_not_divide(width: int) -> None:
    with pytest.raises(ShapeError, match=f"positive multiple of 4, got {width}"):
        AGCN(layout("ucla20"), base_channels=width)


def test_it_compiles_whole() -> None:
    torch.manual_seed(0)
    encoder = AGCN(layout("ucla20"), persons=1, base_channels=4).eval()
    compiled = torch.compile(encoder, fullgraph=True, backend="aot_eager")
    clip = torch.randn(2, 3, 20, 20, 1)
    torch.testing.assert_close(compiled(clip).pooled, encoder(clip).pooled, rtol=1e-4, atol=1e-5)
    compiled.train()(clip).pooled.sum().backward()
    assert all(each.grad is not None for each in encoder.parameters())


def test_it_exports_with_any_batch_and_length() -> None:
    torch.manual_seed(0)
    encoder = AGCN(layout("ucla20"), base_channels=4).eval()
    sizes = {0: torch.export.Dim("batch", min=1, max=64), 2: torch.export.Dim("frames", min=8, max=400)}
    program = torch.export.export(
        encoder,
        (torch.randn(2, 3, 20, 20, 2),),
        dynamic_shapes=(sizes,),
        # Otherwise torch wants proofs of what holds for all these sizes, and finds none.
        prefer_deferred_runtime_asserts_over_guards=True,
    )
    for count, frames in ((1, 64), (5, 33)):
        clip = torch.randn(count, 3, frames, 20, 2)
        torch.testing.assert_close(program.module()(clip).pooled, encoder(clip).pooled, rtol=1e-4, atol=1e-5)


def test_blocks_that_are_none_of_the_network_are_refused() -> None:
    """A residual where the network has none has names that fit, but no place."""
    state = converter.to_official(_pair()[1].state_dict())
    with pytest.raises(Exception, match=r"'l2\.residual\.conv\.weight' has no place"):
        converter.from_official(state | {"l2.residual.conv.weight": torch.zeros(1)})
