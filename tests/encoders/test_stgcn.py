# SPDX-License-Identifier: Apache-2.0
"""ST-GCN: size, start and options; equal to the plain formulas; what the contracts and golden numbers do not say."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bonefide.conversion import stgcn
from bonefide.encoders.stgcn import STGCN
from bonefide.errors import ShapeError
from bonefide.layouts import layout
from bonefide.methods.supervised import Supervised

sys.path.insert(0, str(Path(__file__).parent))

from plain_stgcn import PlainSTGCN

converter = stgcn.STGCN()
LIGHT: dict[str, Any] = {"base_channels": 16, "last_channels": 256}


def _pair(
    name: str, *, partition: str = "spatial", ignored: tuple[int, ...] = (), **options: Any
) -> tuple[PlainSTGCN, STGCN]:
    """The formulas and the encoder with the same weights in float64, importance and statistics not at their start."""
    torch.manual_seed(0)
    skeleton = layout(name)
    encoder = STGCN(skeleton, 3, partition=partition, ignore_joints=ignored, init="default", **options).double()
    for block in encoder.blocks:
        nn.init.normal_(block.spatial.importance, 1, 0.3)
    for module in encoder.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 1.5)
    graphs = torch.tensor(skeleton.adjacency(f"stgcn_{partition}"), dtype=torch.float32).double()
    widths = [block.temporal.out_channels for block in encoder.blocks]
    plain = PlainSTGCN(graphs, classes=None, widths=widths, dropout=options.get("dropout", 0.5)).double()
    state = converter.to_official({f"encoder.{key}": value for key, value in encoder.state_dict().items()})
    plain.load_state_dict(state | {"A": graphs})
    return plain, encoder


@pytest.mark.parametrize(
    ("name", "persons", "classes", "published"),
    [("ntu25", 2, 60, 3_098_832), ("ntu25", 2, 120, 3_114_252), ("ucla20", 1, 10, 3_079_202)],
)
def test_as_many_parameters_as_published(name: str, persons: int, classes: int, published: int) -> None:
    method = Supervised(STGCN(layout(name), 3), classes)
    assert sum(each.numel() for each in method.parameters()) == published


@pytest.mark.parametrize(("name", "published"), [("ntu25", 821_380), ("ucla20", 814_600)])
def test_the_light_one_too(name: str, published: int) -> None:
    encoder = STGCN(layout(name), 3, **LIGHT)
    assert sum(each.numel() for each in encoder.parameters()) == published
    assert encoder.out_channels == 256


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("frames", [24, 50, 1])
@pytest.mark.parametrize(
    "options",
    [
        {"base_channels": 4},
        {"base_channels": 4, "last_channels": 24, "ignored": (3, 4, 19)},
        {"base_channels": 4, "partition": "distance"},
        {"base_channels": 4, "partition": "uniform"},
        {"base_channels": 4, "partition": "spatial_true"},
    ],
)
@pytest.mark.parametrize("tiled", [True, False], ids=["frames first", "as it lies"])
def test_equal_to_the_formulas(
    options: dict[str, Any], frames: int, training: bool, tiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not tiled:
        monkeypatch.setattr("bonefide.encoders.stgcn.tiles_pay", lambda x: False)
    plain, encoder = (each.train(training) for each in _pair("ucla20", dropout=0.0, **options))
    clip = torch.randn(3, 3, frames, 20, 2, dtype=torch.float64, requires_grad=True)
    features = encoder(clip)
    expected = plain.map(clip, options.get("ignored", ()))
    torch.testing.assert_close(features.map, expected, rtol=1e-8, atol=1e-8)
    pooled = expected.mean(dim=(3, 4)).mean(dim=1)
    torch.testing.assert_close(features.pooled, pooled, rtol=1e-8, atol=1e-8)
    ours, theirs = _gradients(encoder, features.pooled, clip), _gradients(plain, pooled, clip)
    renamed = converter.to_official(
        {f"encoder.{key}": each for key, each in ours.items() if key != "clip"} | _rest(encoder)
    )
    largest = max(float(each.abs().max()) for each in theirs.values())
    for key, value in theirs.items():
        our = ours["clip"] if key == "clip" else renamed[key]
        torch.testing.assert_close(our / largest, value / largest, rtol=1e-6, atol=1e-9, msg=key)
    for key, value in converter.to_official(
        {f"encoder.{key}": each for key, each in encoder.state_dict().items()}
    ).items():
        torch.testing.assert_close(value, plain.state_dict()[key], msg=key)


def test_joints_to_ignore_are_ignored_in_the_form_for_onnx_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    options: dict[str, Any] = {"base_channels": 4, "ignore_joints": (3, 4, 19), "edge_importance": False}
    encoder = STGCN(layout("ucla20"), 3, **options).double().eval()
    clip = torch.randn(2, 3, 24, 20, 2, dtype=torch.float64)
    with torch.no_grad():
        plain = encoder(clip)
        monkeypatch.setattr("bonefide.encoders.stgcn.portable_pays", lambda channels: True)
        torch.testing.assert_close(encoder(clip).map, plain.map, rtol=1e-9, atol=1e-15)


def _gradients(module: nn.Module, pooled: Tensor, clip: Tensor) -> dict[str, Tensor]:
    clip.grad = None
    (pooled * torch.cos(0.2 * torch.arange(pooled.numel(), dtype=pooled.dtype).view_as(pooled))).sum().backward()
    return {"clip": clip.grad} | {key: each.grad for key, each in module.named_parameters()}


def _rest(encoder: STGCN) -> dict[str, Tensor]:
    """What of a state dict has no gradient."""
    learned = {key for key, _ in encoder.named_parameters()}
    return {f"encoder.{key}": value for key, value in encoder.state_dict().items() if key not in learned}


def test_it_starts_as_the_official_training_code_does() -> None:
    torch.manual_seed(0)
    encoder = STGCN(layout("ntu25"))
    for module in encoder.modules():
        if isinstance(module, nn.Conv2d):
            assert not module.bias.any()
            assert module.weight.std().item() == pytest.approx(0.02, rel=0.2)
        elif isinstance(module, nn.modules.batchnorm._BatchNorm):
            assert not module.bias.any()
            assert 0.01 < (module.weight - 1).std().item() < 0.03
    assert all(torch.all(block.spatial.importance == 1) for block in encoder.blocks)
    default = STGCN(layout("ntu25"), init="default")
    assert torch.all(default.blocks[3].temporal_norm.weight == 1)
    assert default.blocks[3].temporal.bias.any()


def test_importance_can_be_left_out() -> None:
    torch.manual_seed(0)
    learned = STGCN(layout("ucla20"), base_channels=4)
    torch.manual_seed(0)
    fixed = STGCN(layout("ucla20"), base_channels=4, edge_importance=False)
    assert not any("importance" in key for key in fixed.state_dict())
    clip = torch.randn(2, 3, 8, 20, 1)
    assert torch.equal(learned.eval()(clip).pooled, fixed.eval()(clip).pooled)


def test_dropout_in_all_blocks_but_the_first() -> None:
    encoder = STGCN(layout("ucla20"), base_channels=4, dropout=0.25)
    assert [block.share for block in encoder.blocks] == [0.0] + [0.25] * 9
    clip = torch.randn(2, 3, 16, 20, 1)
    assert not torch.equal(encoder.train()(clip).pooled, encoder(clip).pooled)
    torch.manual_seed(3)
    first = encoder(clip).pooled
    torch.manual_seed(3)
    assert torch.equal(encoder(clip).pooled, first)


def test_any_number_of_persons_is_normalised_alike() -> None:
    encoder = STGCN(layout("ucla20"), base_channels=4, init="default").eval()
    clip = torch.randn(2, 3, 16, 20, 3)
    features = encoder(clip)
    assert features.map.shape[:2] == (2, 3)
    for person in range(3):
        alone = encoder(clip[..., person : person + 1])
        torch.testing.assert_close(alone.map[:, 0], features.map[:, person])
    torch.testing.assert_close(features.pooled, features.map.mean(dim=(1, 3, 4)))


def test_ignored_joints_do_not_count() -> None:
    encoder = STGCN(layout("ucla20"), base_channels=4, ignore_joints=(0, 7)).eval()
    assert encoder.map_size(16) == (16, 4, 18)
    clip = torch.randn(2, 3, 16, 20, 1)
    other = clip.clone()
    other[:, :, :, [0, 7]] = 5
    assert torch.equal(encoder(clip).map, encoder(other).map)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"base_channels": 0}, "channels must be at least 1, got base 0"),
        ({"last_channels": 0}, "last 0"),
        ({"dropout": 1.0}, "dropout must be from 0 to below 1, got 1.0"),
        ({"dropout": -0.1}, "got -0.1"),
        ({"ignore_joints": (3, 20)}, "no joint 20, they are 0 to 19"),
        ({"ignore_joints": tuple(range(20))}, "leaves no joint"),
    ],
)
def test_impossible_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        STGCN(layout("ucla20"), **options)


@pytest.mark.parametrize("ignored", [(), (2, 5)])
def test_it_compiles_whole(ignored: tuple[int, ...]) -> None:
    encoder = STGCN(layout("ucla20"), base_channels=4, ignore_joints=ignored, init="default").eval()
    compiled = torch.compile(encoder, fullgraph=True, backend="aot_eager")
    clip = torch.randn(2, 3, 20, 20, 1)
    torch.testing.assert_close(compiled(clip).pooled, encoder(clip).pooled, rtol=1e-4, atol=1e-5)
    compiled.train()(clip).pooled.sum().backward()
    assert all(each.grad is not None for each in encoder.parameters())


def test_it_exports_with_any_batch_and_length() -> None:
    encoder = STGCN(layout("ucla20"), base_channels=4, init="default").eval()
    sizes = {0: torch.export.Dim("batch", min=1, max=64), 2: torch.export.Dim("frames", min=8, max=400)}
    program = torch.export.export(encoder, (torch.randn(2, 3, 20, 20, 2),), dynamic_shapes=(sizes,))
    for count, frames in ((1, 64), (5, 33)):
        clip = torch.randn(count, 3, frames, 20, 2)
        torch.testing.assert_close(program.module()(clip).pooled, encoder(clip).pooled, rtol=1e-4, atol=1e-5)
