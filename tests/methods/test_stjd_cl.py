# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
import torch

from bonefide.encoders.hcn import HCN
from bonefide.encoders.stgcn import STGCN
from bonefide.errors import ShapeError
from bonefide.layouts import layout
from bonefide.methods.stjd_cl import STJDCL
from bonefide.types import Batch

FRAMES, COUNT = 16, 6


def made(**options: Any) -> STJDCL:
    torch.manual_seed(0)
    encoder = STGCN(layout("ucla20"), 3, base_channels=4, dropout=0.0, init="default")
    method = STJDCL(encoder, frames=FRAMES, **{"width": 8, "queue": 8, "warmup_epochs": 0, **options})
    with torch.no_grad():
        # So that joints are not all equally prime.
        method.density.weight.mul_(8)
    return method


def batch(seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    clip = torch.randn(COUNT, 3, FRAMES, 20, 1, generator=generator)
    numbers = torch.arange(COUNT)
    return Batch(clip, numbers, numbers, view=torch.randn(COUNT, 2, *clip.shape[1:], generator=generator))


def grads(method: STJDCL) -> set[str]:
    return {name.split(".")[0] for name, each in method.named_parameters() if each.grad is not None and each.grad.any()}


def test_each_contrast_trains_its_part() -> None:
    method = made()
    method.losses(batch())["contrastive"].backward()
    assert grads(method) == {"encoder", "project"}
    method.zero_grad()
    method.losses(batch())["regional"].backward()
    assert grads(method) == {"density"}
    # A recipe that freezes something thaws all else; what follows must not learn by gradients even then.
    method.requires_grad_(True)
    sum(method.losses(batch()).values()).backward()  # type: ignore[union-attr]
    assert grads(method) == {"encoder", "project", "density"}


def test_the_second_encoder_follows_in_training_only() -> None:
    method = made(momentum=0.75)
    leads, follows = (method.get_parameter(f"{place}encoder.blocks.0.temporal.weight") for place in ("", "follower."))
    with torch.no_grad():
        leads.add_(1)
    expected = 0.75 * follows + 0.25 * leads
    before = {name: value.clone() for name, value in method.state_dict().items()}
    method.eval().losses(batch())
    assert all(torch.equal(before[name], value) for name, value in method.state_dict().items())
    method.train().losses(batch())
    assert follows.allclose(expected)


def test_the_queue_holds_the_latest_and_goes_round() -> None:
    method = made()
    before = method.queue.clone()
    method.losses(batch(1))
    first = method.queue.clone()
    assert torch.equal(first[COUNT:], before[COUNT:])
    assert not torch.equal(first[:COUNT], before[:COUNT])
    method.losses(batch(2))
    assert torch.equal(method.queue[4:6], first[4:6])
    assert not torch.equal(method.queue[:4], first[:4])
    assert not torch.equal(method.queue[6:], first[6:])
    assert method.place.item() == 12 % 8
    assert method.queue.norm(dim=1).allclose(torch.ones(8), atol=1e-5)
    small = made(queue=4)
    small.losses(batch())
    assert small.place.item() == 0, "a batch larger than the queue fills it"


def test_before_it_is_warm_the_detector_does_not_count() -> None:
    method = made(warmup_epochs=2)
    method.start_epoch(1)
    assert list(method.losses(batch())) == ["contrastive"]
    method.start_epoch(2)
    assert list(method.losses(batch())) == ["contrastive", "regional"]
    half = made(regional_weight=0.5).losses(batch())["regional"]
    assert half.item() == pytest.approx(0.5 * made().losses(batch())["regional"].item())


def test_prime_joints_come_from_the_mild_view_and_others_from_the_strong_one() -> None:
    method = made()
    mild, strong = torch.zeros(1, 3, FRAMES, 20, 1), torch.ones(1, 3, FRAMES, 20, 1)
    score = torch.zeros(1, FRAMES // 4, 20)
    score[:, :, 5] = 1
    mixed = method._mixed(mild, strong, score)
    assert not mixed[:, :, :, 5].any()
    assert (mixed[:, :, :, :5] == 1).all()
    two = made()._mixed(mild.repeat(2, 1, 1, 1, 3), strong.repeat(2, 1, 1, 1, 3), score.repeat(6, 1, 1))
    assert torch.equal(two[1, ..., 2], mixed[0, ..., 0])


def test_weights_leave_without_what_only_training_needs_and_come_back() -> None:
    method, other = made(), made()
    with torch.no_grad():
        other.get_parameter("project.0.weight").zero_()
    weights = method.weights()
    assert {name.split(".")[0] for name in weights} == {"encoder", "project", "density"}
    other.load_weights(weights)
    assert torch.equal(*(each.get_parameter("project.0.weight") for each in (other, method)))


def test_works_under_autocast() -> None:
    method = made(temperature=1)
    plain = {name: each.item() for name, each in made(temperature=1).losses(batch()).items()}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = method.losses(batch())
    assert all(each.dtype == torch.float32 for each in found.values())
    assert {name: each.item() for name, each in found.items()} == pytest.approx(plain, rel=0.06)


def test_refuses_what_cannot_be() -> None:
    method = made()
    with pytest.raises(ShapeError, match=r"two views besides clips \(6, 3, 16, 20, 1\), got None; let data.train hold"):
        method.losses(batch()._replace(view=None))
    for options, told in (
        ({"width": 0}, "width and queue must be at least 1"),
        ({"queue": 0}, "width and queue must be at least 1"),
        ({"regional_weight": -1}, "regional_weight and warmup_epochs at least 0"),
        ({"temperature": 0}, "temperatures must be above 0"),
        ({"momentum": 1}, r"momentum in \[0, 1\)"),
        ({"top_k": 21}, "from 1 to the 20 joints"),
    ):
        with pytest.raises(ShapeError, match=told):
            made(**options)
    encoder = HCN(layout("ucla20"), 3, frames=16, persons=1, base_channels=8)
    with pytest.raises(ShapeError, match="an encoder whose map has joints"):
        STJDCL(encoder, frames=16)
