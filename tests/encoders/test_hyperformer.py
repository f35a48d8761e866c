# SPDX-License-Identifier: Apache-2.0
"""Hyperformer: size and start as published; equal to the plain formulas; what no contract or golden number says."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from plain_hyperformer import PlainHyperformer
from torch import nn

from bonefide.conversion import hyperformer
from bonefide.encoders.hyperformer import Hyperformer
from bonefide.errors import ShapeError, UnknownNameError
from bonefide.layouts import SkeletonLayout, layout
from bonefide.layouts.body_parts import body_parts
from bonefide.layouts.hands import flat_hands
from bonefide.methods.supervised import Supervised

converter = hyperformer.Hyperformer()


def _pair(
    name: str, *, persons: int = 2, parts: str | None = None, heads: int = 2
) -> tuple[PlainHyperformer, Supervised]:
    """The formulas and the encoder with the same weights in float64, nothing at its start."""
    torch.manual_seed(0)
    skeleton = layout(name)
    groups = body_parts(skeleton, parts, preferred="hyperformer")
    labels = [next(number for number, part in enumerate(groups) if j in part) for j in range(len(skeleton.joints))]
    hops = torch.from_numpy(flat_hands(skeleton).hops())
    plain = PlainHyperformer(hops, labels, persons=persons, classes=5, heads=heads).double()
    for key, parameter in plain.named_parameters():
        if key.endswith(("rpe", "w1", "outer", "alpha")) or ".norm1." in key or "bn" in key:
            nn.init.normal_(parameter, 0.5, 0.5)
    for module in plain.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 1.5)
    method = Supervised(Hyperformer(skeleton, 3, persons=persons, parts=parts, heads=heads), 5).double()
    method.load_state_dict(converter.from_official(plain.state_dict()))
    return plain, method


@pytest.mark.parametrize(
    ("name", "persons", "classes", "published"),
    [
        ("ntu25", 2, 60, 2_729_194),
        ("ntu25_pyskl", 2, 60, 2_729_194),
        ("ntu25", 2, 120, 2_742_214),
        ("ucla20", 1, 10, 2_695_754),
    ],
)
def test_as_many_parameters_as_published(name: str, persons: int, classes: int, published: int) -> None:
    method = Supervised(Hyperformer(layout(name), 3, persons=persons), classes)
    assert sum(each.numel() for each in method.parameters()) == published


def test_it_starts_as_published() -> None:
    torch.manual_seed(0)
    encoder = Hyperformer(layout("ucla20"), 3, persons=1)
    for block in encoder.blocks:
        attention = block.attention
        assert torch.equal(attention.graph, torch.eye(20).expand(9, 20, 20))
        for zero in (attention.alpha, attention.distances, attention.part_weight):
            assert not zero.any()
        assert torch.all(attention.norm.weight == 1)
        assert not attention.norm.bias.any()
    attention = encoder.blocks[3].attention
    # Uniform within the inverse root of the inputs of an output: 216, and 36 in a group.
    for parameter, inputs in (
        (attention.project.weight, 216),
        (attention.project_parts.weight, 216),
        (attention.out_weight, 36),
        (attention.out_bias, 36),
    ):
        bound = inputs**-0.5
        assert 0.9 * bound < parameter.abs().max() <= bound
        assert parameter.std().item() == pytest.approx(bound / 3**0.5, rel=0.12)


def test_at_the_start_a_frame_keeps_its_joints_apart() -> None:
    encoder = Hyperformer(layout("ucla20"), 3, persons=1, heads=1).eval()
    clip = torch.randn(1, 3, 8, 20, 1)
    other = clip.clone()
    other[:, :, :, 7] += 1
    moved = (encoder(other).map != encoder(clip).map).any(dim=2)
    assert moved[..., 7].all()
    assert not moved[..., [joint for joint in range(20) if joint != 7]].any()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("name", "persons", "parts", "frames"),
    [
        ("ntu25", 2, None, 9),
        ("ntu25", 2, "limbs5", 4),
        ("ucla20", 1, "hyperformer_bone", 13),
        ("coco17", 3, None, 1),
    ],
)
def test_equal_to_the_formulas(name: str, persons: int, parts: str | None, frames: int, training: bool) -> None:
    plain, method = _pair(name, persons=persons, parts=parts)
    plain.train(training)
    method.train(training)
    clip = torch.randn(3, 3, frames, len(layout(name).joints), persons, dtype=torch.float64)
    clips = [clip.clone().requires_grad_() for _ in range(2)]
    feature_map, pooled, logits = plain(clips[0])
    features = method.encoder(clips[1])
    ours = method.head(features.pooled)
    for expected, found in ((feature_map, features.map), (pooled, features.pooled), (logits, ours)):
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
    weights = torch.randn_like(logits)
    (logits * weights).sum().backward()
    (ours * weights).sum().backward()
    torch.testing.assert_close(clips[1].grad, clips[0].grad, rtol=1e-8, atol=1e-8)
    gradients = converter.to_official(
        {key: torch.zeros_like(value) for key, value in method.state_dict().items()}
        | {key: parameter.grad for key, parameter in method.named_parameters()}
    )
    for key, parameter in plain.named_parameters():
        torch.testing.assert_close(gradients[key], parameter.grad, rtol=1e-7, atol=1e-8, msg=key)
    if training:
        statistics = converter.to_official(method.state_dict())
        for key, value in plain.named_buffers():
            torch.testing.assert_close(statistics[key], value, rtol=1e-9, atol=1e-9, msg=key)


def test_distances_are_those_of_hands_whose_ends_are_neighbours() -> None:
    encoders = [Hyperformer(layout(name), 3, heads=1).eval() for name in ("ntu25", "ntu25_pyskl")]
    assert torch.equal(encoders[0].blocks[0].attention.hops, encoders[1].blocks[0].attention.hops)
    assert len(encoders[0].blocks[0].attention.distances) == 12
    assert not torch.equal(encoders[0].blocks[0].attention.hops, torch.from_numpy(layout("ntu25").hops())), (
        "the bones of the files are others"
    )


def test_parts_matter_and_are_found_by_rule() -> None:
    joints, persons = 20, 1
    clip = torch.randn(2, 3, 8, joints, persons, dtype=torch.float64)
    pooled = {}
    for parts in (None, "hyperformer", "hyperformer_bone", "limbs5"):
        pooled[parts] = _pair("ucla20", persons=persons, parts=parts)[1].eval().encoder(clip).pooled
    assert torch.equal(pooled[None], pooled["hyperformer"])
    for other in ("hyperformer_bone", "limbs5"):
        assert (pooled[other] - pooled[None]).abs().max() > 1e-5 * pooled[None].abs().max()
    bare = dataclasses.replace(layout("ucla20"), parts={})
    assert Hyperformer(bare, 3, heads=1).blocks[0].attention.members.sum(0).tolist() == [4, 8, 8]


def test_options_that_do_not_fit() -> None:
    with pytest.raises(ShapeError, match="heads must be at least 1, got 0"):
        Hyperformer(layout("ucla20"), heads=0)
    with pytest.raises(UnknownNameError, match="no 'hyperformer_bone'"):
        Hyperformer(layout("ntu25"), parts="hyperformer_bone")
    arm = SkeletonLayout("arm", ("hand", "elbow", "shoulder"), (1, 2, 2), (0, 1, 2), {"half": ((0, 1),)})
    with pytest.raises(ShapeError, match="must hold every joint once"):
        Hyperformer(arm, parts="half")


def test_a_clip_of_another_skeleton_names_what_fits() -> None:
    encoder = Hyperformer(layout("ucla20"), 3, persons=1, heads=1)
    with pytest.raises(ShapeError, match=r"V=20, M=1\), got \(2, 3, 8, 25, 1\)"):
        encoder(torch.zeros(2, 3, 8, 25, 1))


def test_a_second_derivative_exists_too() -> None:
    _, method = _pair("ucla20", persons=1, heads=1)
    clip = torch.randn(1, 3, 4, 20, 1, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(method.eval().encoder(clip).pooled.sum(), clip, create_graph=True)
    gradient.square().sum().backward()
    assert clip.grad.isfinite().all()
    assert clip.grad.any()
