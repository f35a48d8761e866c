# SPDX-License-Identifier: Apache-2.0
"""The image network: what the contracts ask of encoders of clips, and what is its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from plain_descriptor_resnet import PlainNetwork
from safetensors.torch import load_file, save_file
from torch import Tensor

from bonefide.conversion import descriptor_fusion
from bonefide.encoders.descriptor_resnet import DescriptorResNet
from bonefide.errors import ShapeError
from bonefide.methods.descriptor_fusion import DescriptorFusion

FIVE = ("gd", "fdd", "jdd", "add", "lad")
converter = descriptor_fusion.DescriptorFusion()


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def settled(images: tuple[str, ...] = ("gd", "jdd"), width: int = 4) -> DescriptorResNet:
    """As training leaves it: nothing zero, statistics moved."""
    encoder = DescriptorResNet(images, base_width=width)
    with torch.no_grad():
        for name, each in [*encoder.named_parameters(), *encoder.named_buffers()]:
            if name.endswith("running_var"):
                each.uniform_(0.7, 1.3)
            elif each.ndim == 1:
                each.add_(0.1 * torch.randn_like(each))
    return encoder.eval()


def images(samples: int, count: int = 2, *, size: int = 32, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randint(0, 256, (samples, count, 3, size, size)).to(dtype)


@pytest.mark.parametrize(("classes", "used"), [(60, 42_027_264), (10, 41_976_064)])
def test_as_many_parameters_as_the_published_one_uses(classes: int, used: int) -> None:
    with torch.device("meta"):
        method = DescriptorFusion(DescriptorResNet(("gd",)), classes, ("gd",))
        assert sum(each.numel() for each in method.parameters()) == used
        trunk = sum(each.numel() for each in method.encoder.parameters())
        five = DescriptorFusion(DescriptorResNet(FIVE), classes)
    heads = classes * 1024 * (5 + 1 + 2 + 3)
    assert sum(each.numel() for each in five.parameters()) == trunk + heads


@pytest.mark.parametrize("names", [("gd",), FIVE])
@pytest.mark.parametrize("training", [False, True])
def test_equal_to_the_formulas(names: tuple[str, ...], training: bool) -> None:
    """Values, gradients, and in training the statistics that five passes in a row leave."""
    plain = PlainNetwork(names, 7, width=4).double().train(training)
    method = DescriptorFusion(DescriptorResNet(names, base_width=4), 7, names).double().train(training)
    method.load_state_dict(converter.from_official(plain.state_dict()))
    clip = images(3, len(names), size=112, dtype=torch.float64)
    gradients = []
    for found in (method._heads(_Batch(clip)), plain(list(clip.unbind(1)))):
        gradients.append(found)
        sum((each * torch.cos(torch.arange(21.0).view(3, 7))).sum() for each in found.values()).backward()
    ours, theirs = gradients
    assert ours.keys() == theirs.keys()
    for name, each in theirs.items():
        torch.testing.assert_close(ours[name], each, rtol=1e-9, atol=1e-9, msg=name)
    back = converter.to_official({**method.state_dict(), **{key: each.grad for key, each in method.named_parameters()}})
    for name, each in plain.named_parameters():
        torch.testing.assert_close(back[name], each.grad, rtol=1e-8, atol=1e-8, msg=name)
    for name, each in plain.named_buffers():
        torch.testing.assert_close(back[name], each, rtol=1e-9, atol=1e-9, msg=name)


class _Batch:
    """All that the heads look at."""

    def __init__(self, clip: Tensor) -> None:
        self.clip = clip


def test_dead_layers_change_nothing_and_are_left_out() -> None:
    plain = PlainNetwork(FIVE, 5, width=2, dead=True)
    state = plain.state_dict()
    assert set(converter.ignored) <= state.keys()
    assert len(state) == 132
    ours = converter.from_official(state)
    DescriptorFusion(DescriptorResNet(FIVE, base_width=2), 5).load_state_dict(ours, strict=True)
    # Somebody may have left them out before.
    alive = {key: value for key, value in state.items() if key not in converter.ignored}
    assert converter.from_official(alive).keys() == ours.keys()


@pytest.mark.parametrize(("size", "side"), [(112, 4), (56, 2), (32, 1), (16, 1), (113, 4), (160, 5)])
def test_the_map_is_as_announced(size: int, side: int) -> None:
    encoder = DescriptorResNet(("gd", "jdd", "lad"), base_width=2).eval()
    features = encoder(images(2, 3, size=size))
    assert features.map.shape == (2, 3, *encoder.map_size(size)) == (2, 3, 8, side, side)
    assert features.pooled.shape == (2, encoder.out_channels)
    torch.testing.assert_close(features.pooled[:, 8:16], features.map[:, 1].mean(dim=(2, 3)))


def test_bytes_are_read_as_numbers() -> None:
    encoder = settled()
    clip = images(2, dtype=torch.uint8)
    assert torch.equal(encoder(clip).pooled, encoder(clip.float()).pooled)
    assert encoder.double()(clip).pooled.dtype == torch.float64


def test_a_sample_does_not_know_its_batch_and_an_image_not_its_place() -> None:
    encoder, clip = settled(), images(4)
    with torch.inference_mode():
        whole = encoder(clip).pooled
        near = 1e-5 * whole.abs().max().item()
        torch.testing.assert_close(encoder(clip[2:3]).pooled, whole[2:3], rtol=1e-4, atol=near)
        swapped = torch.cat(encoder(clip.flip(1)).pooled.chunk(2, dim=1)[::-1], dim=1)
        torch.testing.assert_close(swapped, whole, rtol=1e-4, atol=near)


def test_in_training_each_image_has_statistics_of_its_own() -> None:
    bright = torch.stack([torch.full((4, 3, 16, 16), 0.0), torch.full((4, 3, 16, 16), 200.0)], dim=1)
    bright += torch.randn_like(bright)
    encoder = settled().train()
    features = encoder(bright).pooled
    one = settled(("gd",)).train()
    one.load_state_dict(encoder.state_dict())
    torch.testing.assert_close(features[:, :16], one(bright[:, :1]).pooled, rtol=1e-4, atol=1e-4)
    assert encoder.norm.num_batches_tracked == 2


def test_gradients_reach_every_parameter() -> None:
    encoder = settled().train()
    features = encoder(images(4)).pooled
    (features * torch.randn_like(features)).sum().backward()
    assert not [name for name, each in encoder.named_parameters() if each.grad is None or not each.grad.any()]


def test_files_hold_only_what_is_learned_and_come_back(tmp_path: Path) -> None:
    encoder = settled()
    save_file(encoder.state_dict(), tmp_path / "weights.safetensors")
    torch.manual_seed(9)
    other = DescriptorResNet(("gd", "jdd"), base_width=4).eval()
    other.load_state_dict(load_file(tmp_path / "weights.safetensors"), strict=True)
    clip = images(2)
    assert torch.equal(other(clip).pooled, encoder(clip).pooled)


def test_bfloat16_stays_close() -> None:
    encoder, clip = settled(), images(4)
    with torch.inference_mode():
        exact = encoder(clip).pooled
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rough = encoder(clip).pooled
    assert 0 < (rough.float() - exact).norm() / exact.norm() < 0.05


def test_it_compiles_whole_and_exports_with_any_batch() -> None:
    encoder = settled()
    clip = images(5)
    compiled = torch.compile(encoder, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(clip).pooled, encoder(clip).pooled, rtol=1e-4, atol=1e-2)
    program = torch.export.export(encoder, (clip[:2],), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},))
    for count in (1, 5):
        expected = encoder(clip[:count]).pooled
        torch.testing.assert_close(program.module()(clip[:count]).pooled, expected, rtol=1e-4, atol=1e-2)
    compiled.train()(clip).pooled.sum().backward()
    assert all(each.grad is not None for each in encoder.parameters())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"images": ()}, "at least one, got none"),
        ({"images": ("gd", "jdd", "gd")}, "different names, at least one, got gd, jdd, gd"),
        ({"base_width": 0}, "base_width must be at least 1, got 0"),
    ],
)
def test_impossible_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        DescriptorResNet(**options)


@pytest.mark.parametrize("shape", [(2, 3, 3, 32, 32), (2, 2, 1, 32, 32), (2, 2, 3, 15, 32), (2, 3, 32, 32)])
def test_what_does_not_fit_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"built for images \(N, I=2, C=3, H, W\) of 16 x 16 or more, got \("):
        DescriptorResNet(("gd", "jdd"), base_width=2)(torch.zeros(shape))
    with pytest.raises(ShapeError, match="at least 16 x 16, got 15 x 15"):
        DescriptorResNet(base_width=2).map_size(15)


def test_own_statistics_train_as_shared_ones_do() -> None:
    """The same outputs and gradients; what differs is what is kept for evaluation."""
    shared = DescriptorResNet(FIVE, base_width=4).double()
    own = DescriptorResNet(FIVE, base_width=4, statistics="own").double()
    own.load_state_dict(
        {name: value for name, value in shared.state_dict().items() if "running" not in name}, strict=False
    )
    clip, direction = images(3, 5, dtype=torch.float64), torch.randn(3, 80, dtype=torch.float64)
    for network in (shared, own):
        (network(clip).pooled * direction).sum().backward()
    torch.testing.assert_close(own(clip).map, shared(clip).map)
    gradients = [dict(network.named_parameters()) for network in (own, shared)]
    for name, parameter in gradients[0].items():
        torch.testing.assert_close(parameter.grad, gradients[1][name].grad, msg=name)


def test_with_own_statistics_an_image_is_evaluated_as_if_it_were_alone() -> None:
    own = DescriptorResNet(("gd", "jdd"), base_width=4, statistics="own").double()
    alone = [DescriptorResNet((name,), base_width=4).double() for name in ("gd", "jdd")]
    for network in alone:
        network.load_state_dict(
            {name: value for name, value in own.state_dict().items() if "running" not in name}, strict=False
        )
    for _ in range(3):
        clip = images(4, dtype=torch.float64) * torch.tensor([0.2, 1.0], dtype=torch.float64)[:, None, None, None]
        for place, network in enumerate((own, *alone), start=-1):
            network(clip if place < 0 else clip[:, place : place + 1])
    tested = images(2, dtype=torch.float64)
    expected = [network.eval()(tested[:, place : place + 1]).pooled for place, network in enumerate(alone)]
    torch.testing.assert_close(own.eval()(tested).pooled, torch.cat(expected, dim=1))
