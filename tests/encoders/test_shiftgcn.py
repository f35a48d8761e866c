# SPDX-License-Identifier: Apache-2.0
"""Shift-GCN: equal to its formulas, started as published; what the contracts and the golden numbers do not say."""

from __future__ import annotations

import copy
import math

import plain_shiftgcn as plain
import pytest
import torch
from torch import Tensor

from bonefide.conversion import shiftgcn as conversion
from bonefide.encoders._temporal_shift import TemporalShift, shift_frames
from bonefide.encoders.shiftgcn import ShiftGCN
from bonefide.errors import ShapeError, UnknownNameError
from bonefide.layers.joint_shift import joint_shift
from bonefide.layouts import layout
from bonefide.methods.supervised import Supervised


@pytest.mark.parametrize(
    ("name", "persons", "classes", "published"),
    [("ntu25", 2, 60, 690_291), ("ntu25", 2, 120, 705_711), ("ucla20", 1, 10, 657_406)],
)
def test_as_many_parameters_as_published(name: str, persons: int, classes: int, published: int) -> None:
    method = Supervised(ShiftGCN(layout(name), 3, persons=persons), classes)
    assert sum(each.numel() for each in method.parameters()) == published


def test_it_starts_as_published() -> None:
    torch.manual_seed(0)
    encoder = ShiftGCN(layout("ntu25"), 3)
    for block in encoder.blocks:
        assert not block.spatial.mask.any()
        assert not block.spatial.linear.bias.any()
        for shift in (block.temporal.shift_in, block.temporal.shift_out):
            assert -1 <= shift.position.min() < -0.5
            assert 0.5 < shift.position.max() <= 1
    last = encoder.blocks[9]
    assert last.spatial.linear.weight.std().item() == pytest.approx(math.sqrt(1 / 256), rel=0.03)
    assert last.temporal.linear.weight.std().item() == pytest.approx(math.sqrt(2 / 256), rel=0.03)
    assert last.temporal.linear.bias.abs().max().item() == pytest.approx(1 / 16, rel=0.1)
    assert encoder.blocks[4].residual.linear.weight.std().item() == pytest.approx(math.sqrt(2 / 128), rel=0.05)


def network(*, gradient: str = "true", frames: int = 8) -> tuple[Supervised, Tensor]:
    """With shifts far and near, in double precision."""
    torch.manual_seed(0)
    encoder = ShiftGCN(layout("ucla20"), 3, persons=2, base_channels=6, shift_gradient=gradient)
    method = Supervised(encoder, 5).double()
    with torch.no_grad():
        for name, each in method.named_parameters():
            each.uniform_(-3, 3) if name.endswith("position") else each.add_(0.3 * torch.randn_like(each))
    return method, torch.randn(3, 3, frames, 20, 2, dtype=torch.float64)


@pytest.mark.parametrize("training", [True, False])
def test_values_and_gradients_are_those_of_the_formulas(training: bool) -> None:
    method, clip = network()
    method.train(training)
    state = {
        key: value.detach().clone().requires_grad_(value.is_floating_point() and "running" not in key)
        for key, value in conversion.ShiftGCN().to_official(method.state_dict()).items()
    }
    clip.requires_grad_()
    other = clip.detach().clone().requires_grad_()
    ours = method.head(method.encoder(clip).pooled)
    theirs = plain.logits(state, other, training=training)
    torch.testing.assert_close(ours, theirs)
    weight = torch.randn_like(ours)
    (ours * weight).sum().backward()
    (theirs * weight).sum().backward()
    torch.testing.assert_close(clip.grad, other.grad)
    gradients = method.state_dict() | {key: each.grad for key, each in method.named_parameters()}
    for key, gradient in conversion.ShiftGCN().to_official(gradients).items():
        if "running" not in key and "num_batches" not in key:
            torch.testing.assert_close(gradient, state[key].grad, msg=key)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("frames", [1, 2, 7, 8])
def test_shifts_of_any_size(stride: int, frames: int) -> None:
    ypos = torch.tensor([0.0, 0.5, -0.5, 1.0, -1, 2.25, -2.25, 6.5, 30.25, -30.25, 1e12, -1e12], dtype=torch.float64)
    x = torch.randn(2, frames, 3, 12, dtype=torch.float64, requires_grad=True)
    position = ypos.clone().requires_grad_()
    moved = position if stride == 1 else position + 0.5
    if frames < stride:
        return
    ours = shift_frames(x, moved, stride=stride, gradient="true")
    expected = plain.shift(x.permute(0, 3, 1, 2), torch.zeros(12, dtype=torch.float64), ypos, stride=stride)
    torch.testing.assert_close(ours, expected.permute(0, 2, 3, 1))
    gradient = torch.randn_like(ours)
    (of_x,) = torch.autograd.grad(expected.permute(0, 2, 3, 1), x, gradient)
    ours.backward(gradient)
    torch.testing.assert_close(x.grad, of_x)
    with torch.no_grad():
        assert torch.equal(shift_frames(x, moved, stride=stride), ours)


def test_the_sign_of_the_derivative_and_of_each_replica() -> None:
    torch.manual_seed(0)
    x, gradient = torch.randn(8, 6, 3, 20), torch.randn(8, 6, 3, 20)
    x[..., 0] = 0
    found = {}
    for name, count in (("true", 1), ("sign", 1), ("sign", 4)):
        position = torch.full((20,), 0.3, requires_grad=True)
        shift_frames(x, position, gradient=name, replicas=count).backward(gradient)
        found[name, count] = position.grad
    assert found["sign", 1][0].item() == pytest.approx(1e-4)
    torch.testing.assert_close(found["sign", 1][1:], 0.01 * found["true", 1][1:].sign())
    parts = []
    for part in range(4):
        position = torch.full((20,), 0.3, requires_grad=True)
        shift_frames(x[2 * part : 2 * part + 2], position).backward(gradient[2 * part : 2 * part + 2])
        parts.append(position.grad)
    torch.testing.assert_close(found["sign", 4], torch.stack(parts).sum(0))
    steps = {round(each, 3) for each in found["sign", 4][1:].tolist()}
    assert steps <= {-0.04, -0.02, 0.0, 0.02, 0.04}
    assert len(steps) > 2


def test_joints_are_shifted_there_and_back() -> None:
    x = torch.randn(2, 5 * 7)
    there, back = joint_shift(5, 7), joint_shift(5, 7, back=True)
    assert torch.equal(x[:, there][:, back], x)
    shifted = x[:, there].view(2, 5, 7)
    assert shifted[1, 3, 4] == x.view(2, 5, 7)[1, (3 + 4) % 5, 4]


@pytest.mark.parametrize("frames", [0, 2, 50, 63])
def test_clips_of_other_lengths_are_refused(frames: int) -> None:
    encoder = ShiftGCN(layout("ucla20"), 3, persons=1, base_channels=2)
    with pytest.raises(ShapeError, match=rf"a multiple of 4 frames; got {frames}"):
        encoder(torch.zeros(1, 3, frames, 20, 1))
    with pytest.raises(ShapeError, match="multiple of 4"):
        encoder.map_size(frames)


def test_impossible_options() -> None:
    with pytest.raises(ShapeError, match="base_channels must be at least 1, got 0"):
        ShiftGCN(layout("ucla20"), base_channels=0)
    with pytest.raises(ShapeError, match="replicas at least 1"):
        ShiftGCN(layout("ucla20"), base_channels=2, replicas=0)
    with pytest.raises(ShapeError, match="stride must be 1 or 2"):
        TemporalShift(4, stride=3)
    with pytest.raises(UnknownNameError, match="gradients of shifts: no 'sing'; did you mean 'sign'"):
        TemporalShift(4, gradient="sing")  # type: ignore[arg-type]


def test_a_frozen_network_keeps_its_shifts() -> None:
    method, clip = network(gradient="sign")
    method.encoder.requires_grad_(False)
    method.head(method.encoder(clip).pooled).sum().backward()
    assert all(each.grad is None for each in method.encoder.parameters())


def test_it_can_be_captured_whole() -> None:
    method, clip = network(gradient="sign")
    plainly = copy.deepcopy(method.encoder)
    compiled = torch.compile(method.encoder, fullgraph=True, backend="aot_eager")
    for encoder in (compiled, plainly):
        encoder(clip).pooled.square().sum().backward()
    for ours, theirs in zip(method.encoder.parameters(), plainly.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-6, atol=1e-9)
    with torch.no_grad():
        torch.testing.assert_close(compiled.eval()(clip).map, plainly.eval()(clip).map)


def test_it_can_be_exported_for_any_batch_and_length() -> None:
    method, clip = network()
    encoder = method.encoder.eval()
    lengths = {0: torch.export.Dim("batch", min=1), 2: 4 * torch.export.Dim("quarter", min=1)}
    program = torch.export.export(encoder, (clip,), dynamic_shapes={"clip": lengths}).module()
    for shape in ((1, 3, 12, 20, 2), (5, 3, 20, 20, 2)):
        other = torch.randn(shape, dtype=torch.float64)
        with torch.no_grad():
            torch.testing.assert_close(program(other).pooled, encoder(other).pooled)
