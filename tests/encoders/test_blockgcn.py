# SPDX-License-Identifier: Apache-2.0
"""BlockGCN: size and start as published; equal to the plain formulas; its topology, whatever the batch."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from plain_blockgcn import PlainBlockGCN, bars
from torch import Tensor, nn

from bonefide.conversion import blockgcn
from bonefide.encoders._blockgcn_topology import Topology, persistence
from bonefide.encoders.blockgcn import BlockGCN
from bonefide.errors import ShapeError, UnknownNameError
from bonefide.layouts import layout
from bonefide.layouts.hands import flat_hands
from bonefide.methods.supervised import Supervised

converter = blockgcn.BlockGCN()


def _pair(name: str, *, persons: int = 2, topology: Any = "fixed") -> tuple[PlainBlockGCN, Supervised]:
    """The formulas and the encoder with the same weights in float64, nothing at its start."""
    torch.manual_seed(0)
    skeleton = layout(name)
    hops = flat_hands(skeleton).hops()
    plain = PlainBlockGCN(hops, persons=persons, classes=5, width=16, mixing=topology == "official").double()
    with torch.no_grad():
        for parameter in plain.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    for module in plain.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 1.5)
    encoder = BlockGCN(skeleton, 3, persons=persons, topology=topology, base_channels=16)
    method = Supervised(encoder, 5).double()
    method.load_state_dict(converter.from_official(plain.state_dict()))
    return plain, method


def _input(name: str, persons: int, count: int = 3) -> tuple[Tensor, Tensor]:
    shape = (count, 3, 13, len(layout(name).joints), persons)
    clip, joints = torch.randn(2, *shape, dtype=torch.float64)
    # In one clip two joints always coincide.
    joints[1, :, :, 6] = joints[1, :, :, 5]
    return clip, joints


@pytest.mark.parametrize(
    ("name", "persons", "classes", "published"),
    [("ntu25", 2, 60, 1_372_780), ("ntu25_pyskl", 2, 120, 1_388_200), ("ucla20", 1, 10, 1_297_370)],
)
def test_as_many_parameters_as_published(name: str, persons: int, classes: int, published: int) -> None:
    method = Supervised(BlockGCN(layout(name), 3, persons=persons), classes)
    assert sum(each.numel() for each in method.parameters()) == published


def test_it_starts_as_published() -> None:
    torch.manual_seed(0)
    encoder = BlockGCN(layout("ucla20"), 3, persons=1)
    for block in encoder.blocks:
        assert torch.equal(block.spatial.free, torch.eye(20).expand(3, 8, 20, 20))
        assert block.spatial.by_hops.shape == (3, 8, 11)
        assert not block.spatial.by_hops.any()
        assert not block.spatial.bias.any()
        assert torch.all(block.spatial.norm.weight == 1)
        assert block.spatial.weight.std().item() == pytest.approx(math.sqrt(2 / block.spatial.bias.shape[1]), rel=0.05)
    assert encoder.position.std().item() == pytest.approx(1, rel=0.1)
    assert torch.all(encoder.topology.sharpness == 3)
    centres = encoder.topology.centres
    assert 0 <= centres.min() < 0.1
    assert 0.9 < centres.max() <= 1
    assert encoder.topology.project.weight.abs().max().item() == pytest.approx(1 / 8, rel=0.01)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("topology", ["fixed", "official"])
@pytest.mark.parametrize(("name", "persons"), [("ntu25", 2), ("ucla20", 1), ("coco17", 3)])
def test_it_is_its_formulas_in_values_gradients_and_statistics(
    name: str, persons: int, topology: str, training: bool
) -> None:
    plain, method = _pair(name, persons=persons, topology=topology)
    clip, joints = _input(name, persons)
    found = []
    for network, encode, head in ((plain, plain, plain.fc), (method, method.encoder, method.head)):
        network.train(training)
        x = clip.clone().requires_grad_()
        features = encode(x, joints)
        total = (features.map * features.map.detach().cos()).sum() + head(features.pooled).square().sum()
        total.backward()
        found.append((features, x.grad))
    (expected, expected_gradient), (ours, gradient) = found
    for one, other in (*zip(ours, expected, strict=True), (gradient, expected_gradient)):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-9 * other.abs().max().item())
    state = converter.from_official(plain.state_dict())
    for key, value in method.state_dict().items():
        torch.testing.assert_close(value, state[key])
    gradients = {key: each.grad for key, each in plain.named_parameters()}
    zeros = {key: torch.zeros_like(value) for key, value in plain.state_dict().items()}
    official = converter.from_official(zeros | gradients)
    scale = max(each.abs().max() for each in gradients.values())
    for key, parameter in method.named_parameters():
        torch.testing.assert_close(parameter.grad, official[key], rtol=1e-7, atol=1e-12 * scale.item())


@pytest.mark.parametrize("over_batch", [True, False])
@pytest.mark.parametrize("joints", [1, 2, 3, 5, 17, 25, 33])
def test_the_bars_are_those_of_a_spanning_tree(joints: int, over_batch: bool) -> None:
    torch.manual_seed(joints)
    # Whole numbers: many distances are equal, and joints coincide.
    clips = torch.randint(0, 3, (6, 3, 2, joints, 2), dtype=torch.float64)
    clips[0] = torch.randn(3, 2, joints, 2)
    found = persistence(clips, over_batch=over_batch)
    assert found.shape == (6, joints - 1)
    if joints > 1:
        torch.testing.assert_close(found.sort(dim=1).values, bars(clips, mixing=over_batch))


def test_joints_that_coincide_have_no_bar_wherever_they_lie_in_memory() -> None:
    torch.manual_seed(0)
    clips = torch.randn(5, 3, 31, 25, 2)
    for number, joint in enumerate((3, 7, 15, 16, 24)):
        clips[number, :, :, joint] = clips[number, :, :, 0]
    for stored in (clips, clips.permute(0, 4, 2, 3, 1).contiguous().permute(0, 4, 2, 3, 1)):
        assert ((persistence(stored, over_batch=False) == 0).sum(dim=1) == 1).all()


def test_a_body_that_is_one_point_has_no_bars_and_no_undefined_numbers() -> None:
    clip = torch.zeros(2, 3, 4, 20, 1)
    for topology in ("fixed", "official"):
        encoder = BlockGCN(layout("ucla20"), 3, persons=1, topology=topology, base_channels=8)
        features = encoder(torch.randn_like(clip).requires_grad_(), clip)
        features.pooled.sum().backward()
        assert features.pooled.isfinite().all()
        assert all(each.grad is None or each.grad.isfinite().all() for each in encoder.parameters())
    assert not persistence(clip, over_batch=True).any()


def test_nothing_flows_back_to_the_joints() -> None:
    encoder = BlockGCN(layout("ucla20"), 3, persons=1, base_channels=8)
    clip, joints = torch.randn(2, 2, 3, 4, 20, 1).unbind()
    joints.requires_grad_()
    encoder(clip, joints).pooled.sum().backward()
    assert joints.grad is None


def test_scale_and_place_of_the_body_do_not_matter() -> None:
    torch.manual_seed(0)
    clip = torch.randn(2, 3, 8, 25, 2, dtype=torch.float64)
    torch.testing.assert_close(persistence(clip, over_batch=False), persistence(1000 * clip + 5, over_batch=False))


def test_only_the_official_topology_knows_the_batch() -> None:
    clip, joints = _input("ntu25", 2)
    others = joints.clone()
    others[1:] *= 3
    for topology, changes in (("fixed", False), ("official", True)):
        encoder = _pair("ntu25", topology=topology)[1].encoder.eval()
        with torch.no_grad():
            one, other = encoder(clip, joints).pooled[0], encoder(clip, others).pooled[0]
        assert torch.allclose(one, other, rtol=1e-9) != changes


def test_the_official_code_gives_persons_the_topology_of_other_clips() -> None:
    """Person m of clip n has that of clip (2 n + m) mod N."""
    torch.manual_seed(0)
    topology = Topology([4], persons=2, mixing=True).eval()
    joints = torch.randn(3, 3, 5, 20, 2)
    rows = topology(joints)[0].view(3, 2, 4)
    own = torch.stack([rows[0, 0], rows[0, 1], rows[1, 0]])
    for clip in range(3):
        for person in range(2):
            assert torch.equal(rows[clip, person], own[(2 * clip + person) % 3])


def test_without_topology_no_joints_are_needed() -> None:
    encoder = BlockGCN(layout("ucla20"), 3, persons=1, topology="none", base_channels=8)
    assert not encoder.needs_joints
    assert not any("topology" in key for key in encoder.state_dict())
    assert encoder(torch.zeros(2, 3, 8, 20, 1)).pooled.shape == (2, 16)


def test_what_cannot_be() -> None:
    skeleton = layout("ucla20")
    for width in (0, 4, 60):
        with pytest.raises(ShapeError, match=f"multiple of 8, got {width}"):
            BlockGCN(skeleton, base_channels=width)
    with pytest.raises(UnknownNameError, match="topologies of BlockGCN: no 'fix'; did you mean 'fixed'"):
        BlockGCN(skeleton, topology="fix")
    encoder = BlockGCN(skeleton, 3, persons=1, base_channels=8)
    clip = torch.zeros(2, 3, 8, 20, 1)
    with pytest.raises(ShapeError, match="needs the joints besides the stream"):
        encoder(clip)
    for shape in ((1, 3, 8, 20, 1), (2, 3, 8, 25, 1), (2, 3, 8, 20, 2), (3, 8, 20, 1)):
        with pytest.raises(ShapeError, match=r"joints must be .* got \("):
            encoder(clip, torch.zeros(shape))


def test_reduced_precision_stays_close() -> None:
    torch.manual_seed(0)
    encoder = BlockGCN(layout("ucla20"), 3, persons=1, base_channels=16).eval()
    clip, joints = torch.randn(2, 2, 3, 8, 20, 1).unbind()
    with torch.no_grad():
        exact = encoder(clip, joints).pooled
        rough = encoder.bfloat16()(clip.bfloat16(), joints).pooled
    assert (rough.float() - exact).norm() / exact.norm() < 0.05


@pytest.mark.parametrize("topology", ["fixed", "official"])
def test_it_compiles_without_a_break(topology: Any) -> None:
    torch.manual_seed(0)
    encoder = BlockGCN(layout("ucla20"), 3, persons=2, topology=topology, base_channels=8)
    clip, joints = torch.randn(2, 3, 3, 8, 20, 2).unbind()
    compiled = torch.compile(encoder, fullgraph=True, backend="aot_eager")
    gradients = []
    for network in (encoder, compiled):
        encoder.zero_grad()
        network(clip, joints).pooled.square().sum().backward()
        gradients.append([each.grad.clone() for each in encoder.parameters()])
    scale = max(each.abs().max().item() for each in gradients[0])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5 * scale)


@pytest.mark.parametrize("topology", ["fixed", "official"])
def test_it_is_exported_with_any_number_of_samples_and_frames(topology: Any) -> None:
    torch.manual_seed(0)
    encoder = BlockGCN(layout("ucla20"), 3, persons=2, topology=topology, base_channels=16).eval()
    clip, joints = torch.randn(2, 3, 3, 16, 20, 2).unbind()
    sizes = {0: torch.export.Dim("samples", min=1, max=64), 2: torch.export.Dim("frames", min=8, max=300)}
    program = torch.export.export(
        encoder,
        (clip, joints),
        dynamic_shapes=(sizes, sizes),
        prefer_deferred_runtime_asserts_over_guards=True,
    ).module()
    for count, frames in ((1, 16), (2, 9), (5, 30)):
        clip, joints = torch.randn(2, count, 3, frames, 20, 2).unbind()
        torch.testing.assert_close(program(clip, joints).pooled, encoder(clip, joints).pooled, rtol=1e-4, atol=1e-3)
