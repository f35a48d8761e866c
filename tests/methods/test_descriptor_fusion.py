# SPDX-License-Identifier: Apache-2.0
"""Heads on images: which there are, what they read, what they are trained by."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bonefide.encoders.descriptor_resnet import DescriptorResNet
from bonefide.errors import ShapeError
from bonefide.losses.soft_cross_entropy import soft_cross_entropy
from bonefide.methods.descriptor_fusion import DescriptorFusion
from bonefide.types import Batch, Features

FIVE = ("gd", "fdd", "jdd", "add", "lad")
CLASSES = 6


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


class Means(nn.Module):
    """The mean of each colour of each image."""

    def __init__(self, images: int) -> None:
        super().__init__()
        self.out_channels = 3 * images
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, clip: Tensor, joints: Tensor | None = None) -> Features:
        return Features(clip, self.scale * clip.mean(dim=(3, 4)).flatten(1))


def made(images: tuple[str, ...] = FIVE, **options: Any) -> DescriptorFusion:
    return DescriptorFusion(Means(len(images)), CLASSES, images, **options)


def batch(images: int, samples: int = 4) -> Batch:
    label = torch.arange(samples) % CLASSES
    return Batch(torch.rand(samples, images, 3, 16, 16), label, torch.arange(samples))


@pytest.mark.parametrize(
    ("images", "heads"),
    [
        (("lad",), ["fused"]),
        (("gd", "fdd"), ["fused", "gd", "fdd"]),
        (("fdd", "gd", "jdd"), ["fused", "fdd", "gd", "jdd", "gd+fdd"]),
        (FIVE, ["fused", *FIVE, "gd+fdd", "jdd+add+lad"]),
    ],
)
def test_which_heads_there_are(images: tuple[str, ...], heads: list[str]) -> None:
    method, given = made(images), batch(len(images))
    assert list(method.losses(given)) == heads
    outputs = method.outputs(given)
    assert list(outputs.branches or {}) == heads[1:]
    assert torch.equal(method.decide(outputs), outputs.logits)
    assert sum(each.numel() for name, each in method.named_parameters() if "encoder" not in name) == CLASSES * 3 * (
        len(images) + (len(images) > 1) + 2 * ("gd+fdd" in heads) + 3 * ("jdd+add+lad" in heads)
    )


def test_what_each_head_reads() -> None:
    """A head depends on its own images and on no other; those of single images have the same weights."""
    method, given = made(), batch(5)
    before = method.outputs(given)
    for place, changed in enumerate(FIVE):
        clip = given.clip.clone()
        clip[:, place] += 1
        after = method.outputs(given._replace(clip=clip))
        assert not torch.equal(after.logits, before.logits)
        for name, logits in before.branches.items():
            assert torch.equal(after.branches[name], logits) != (changed in name.split("+")), (changed, name)
    same = given._replace(clip=given.clip[:, :1].expand(-1, 5, -1, -1, -1))
    branches = method.outputs(same).branches
    assert all(torch.equal(branches[name], branches["gd"]) for name in FIVE)


@pytest.mark.parametrize("order", [("gd", "jdd", "fdd"), ("jdd", "fdd", "gd")])
def test_a_group_has_its_own_order(order: tuple[str, ...]) -> None:
    method, given = made(order), batch(3)
    clip = torch.stack([given.clip[:, order.index(name)] for name in ("gd", "fdd")], dim=1)
    features = clip.mean(dim=(3, 4)).flatten(1)
    torch.testing.assert_close(method.outputs(given).branches["gd+fdd"], method.together[0](features))


def test_official_targets() -> None:
    method, given = made(("gd",)), batch(1)
    targets = torch.full((4, CLASSES), 0.1, dtype=torch.float64)
    targets[torch.arange(4), given.label] = 0.8
    logits = method.outputs(given).logits
    expected = -(targets * logits.log_softmax(dim=1)).sum(dim=1).mean()
    torch.testing.assert_close(method.losses(given)["fused"].double(), expected)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.6])
def test_smooth_targets_are_label_smoothing(smoothing: float) -> None:
    method, given = made(targets="smooth", smoothing=smoothing), batch(5)
    outputs = method.outputs(given)
    for name, loss in method.losses(given).items():
        logits = outputs.logits if name == "fused" else outputs.branches[name]
        torch.testing.assert_close(loss, F.cross_entropy(logits, given.label, label_smoothing=smoothing))


def test_the_sum_of_the_targets_only_scales() -> None:
    """What the official targets are: label smoothing, times their sum."""
    logits, label = torch.randn(5, 10, dtype=torch.float64), torch.arange(5)
    official = soft_cross_entropy(logits, label, right=0.8, wrong=0.1)
    smooth = F.cross_entropy(logits, label, label_smoothing=0.1 * 10 / 1.7)
    torch.testing.assert_close(official, 1.7 * smooth)


def test_it_learns_which_image_matters() -> None:
    encoder = DescriptorResNet(("gd", "jdd"), base_width=4)
    method = DescriptorFusion(encoder, 3, ("gd", "jdd"))
    clip = torch.randint(0, 256, (12, 2, 3, 16, 16)).float()
    label = torch.arange(12) % 3
    clip[:, 1] = 20 + 100 * label[:, None, None, None]
    given = Batch(clip, label, torch.arange(12))
    optimizer = torch.optim.Adam(method.parameters(), lr=0.01)
    for _ in range(12):
        optimizer.zero_grad()
        torch.stack(list(method.losses(given).values())).sum().backward()
        optimizer.step()
    outputs = method.outputs(given)
    assert (outputs.logits.argmax(dim=1) == label).all()
    assert (outputs.branches["jdd"].argmax(dim=1) == label).all()


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        ((), {}, r"3 features cannot be divided among the images \(none\)"),
        (("gd", "gd"), {}, "6 features cannot be divided among the images gd, gd"),
        (("gd",), {"smoothing": 1.0}, "smoothing must be from 0 to below 1, got 1.0"),
        (("gd",), {"smoothing": -0.1}, "got -0.1"),
    ],
)
def test_what_is_impossible(images: tuple[str, ...], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        DescriptorFusion(Means(max(len(images), 1)), CLASSES, images, **options)


def test_images_of_another_number() -> None:
    with pytest.raises(ShapeError, match="9 features cannot be divided among the images gd, fdd; give the encoder and"):
        DescriptorFusion(Means(3), CLASSES, ("gd", "fdd"))
