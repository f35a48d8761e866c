# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bonefide.data.class_splits import ClassSplit
from bonefide.encoders._encoder import Encoder
from bonefide.encoders.stgcn import STGCN
from bonefide.errors import DataError, ShapeError
from bonefide.layouts import layout
from bonefide.methods._motion_mask import motion_energy, quiet_frames, take_frames
from bonefide.methods.smie import SMIE
from bonefide.text.bank import TextBank
from bonefide.types import Batch, Features

CLASSES, FRAMES, HIDDEN = 5, 16, 4
SPLIT = ClassSplit("made", seen=(0, 1, 3), unseen=(2, 4))
TEXT = np.random.default_rng(5).normal(size=(CLASSES, 1, 7)).astype(np.float32)


class Places(nn.Module):
    """An encoder that says where joints are on average."""

    needs_joints = False
    map_axis = "joint"
    out_channels = 60

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(self.out_channels)

    def forward(self, clip: Tensor, joints: Tensor | None = None) -> Features:
        return Features(clip, self.norm(clip.mean(dim=(2, 4)).flatten(1)))

    def map_size(self, frames: int) -> tuple[int, int, int]:
        return 3, frames, 20


def made(*, encoder: Encoder | None = None, **options: Any) -> SMIE:
    torch.manual_seed(0)
    encoder = STGCN(layout("ucla20"), 3, base_channels=4, init="default") if encoder is None else encoder
    bank = TextBank(tuple("abcde"), {"name": TEXT}, {}, "random")
    return SMIE(encoder, CLASSES, bank, SPLIT, **{"widths": (16, 8), "hidden_frames": HIDDEN, **options})


def batch(count: int = 6, seed: int = 1) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    label = torch.tensor(SPLIT.seen)[torch.arange(count) % 3]
    clip = 0.2 * torch.randn(count, 3, FRAMES, 20, 1, generator=generator)
    clip[torch.arange(count), label % 3, :, label] += 3
    return Batch(clip, label, torch.arange(count) + 10)


def test_the_estimator_learns_and_the_encoder_stays_as_it_is() -> None:
    # Features of an untrained network would hardly differ.
    method = made(encoder=Places())
    assert method.training
    assert not any(module.training for module in method.encoder.modules())
    before = {name: value.clone() for name, value in method.encoder.state_dict().items()}
    optimizer = torch.optim.Adam(method.parameters(), lr=0.02)
    seen = []
    for _ in range(25):
        optimizer.zero_grad()
        losses = method.losses(batch())
        seen.append(losses["mutual_information"].item())
        sum(losses.values()).backward()  # type: ignore[union-attr]
        optimizer.step()
    assert seen[-1] < 0.7 * seen[0]
    assert all(torch.equal(before[name], value) for name, value in method.encoder.state_dict().items())
    assert all(each.grad is None for each in method.encoder.parameters())


def test_scores_are_the_estimators_of_every_pair() -> None:
    method = made().eval()
    outputs = method.outputs(batch())
    features = F.layer_norm(method.encoder(batch().clip).pooled, (method.encoder.out_channels,))
    texts = F.normalize(torch.from_numpy(TEXT[:, 0]), dim=1)
    pairs = torch.cat([features[:, None].expand(-1, CLASSES, -1), texts.expand(6, -1, -1)], dim=2)
    estimator = method.estimator
    expected = estimator.l2(torch.relu(estimator.l1(torch.relu(estimator.l0(pairs)))))[..., 0]
    assert outputs.logits is not None
    torch.testing.assert_close(outputs.logits, expected)
    torch.testing.assert_close(outputs.embedding, features)
    raw = made(test_layernorm=False).eval().outputs(batch())
    torch.testing.assert_close(raw.embedding, method.encoder(batch().clip).pooled)
    assert raw.logits is not None
    assert not raw.logits.allclose(expected)


def test_without_weight_nothing_is_hidden() -> None:
    method = made(temporal_weight=0.0, hidden_frames=100)
    assert list(method.losses(batch())) == ["mutual_information"]


def test_frames_shown_depend_on_seed_epoch_and_sample_alone() -> None:
    first, again = made(seed=3), made(seed=3)
    for epoch in (0, 1):
        first.start_epoch(epoch)
        first.losses(batch())
    again.start_epoch(1)
    # What was drawn before does not matter: a training goes on as if it had not been interrupted.
    torch.rand(5)
    shown = first.shown_frames(batch())
    assert torch.equal(shown, again.shown_frames(batch()))
    assert shown.shape == (6, FRAMES - 2 * HIDDEN)
    assert (shown.diff(dim=1) > 0).all()
    again.start_epoch(2)
    others = [made(seed=4).shown_frames(batch()), again.shown_frames(batch())]
    others.append(first.shown_frames(batch()._replace(index=torch.arange(6))))
    assert all(not torch.equal(shown, other) for other in others)
    one, other = (made(seed=3).losses(batch())["temporal"] for _ in range(2))
    assert torch.equal(one, other)


def test_one_subset_of_the_quiet_frames_is_drawn_for_all() -> None:
    method = made()
    quiet = quiet_frames(batch().clip, HIDDEN, mask="both")
    places = torch.stack([torch.searchsorted(*rows) for rows in zip(quiet, method.shown_frames(batch()), strict=True)])
    assert (places == places[0]).all()
    assert quiet.gather(1, places).equal(method.shown_frames(batch()))
    by_chance = made(mask="random").shown_frames(batch())
    assert (by_chance == by_chance[0]).all()


def test_motion_is_the_difference_to_neighbours() -> None:
    clip = torch.zeros(1, 2, 5, 2, 1)
    clip[0, 0, 2] = 2.0
    # Frames 1, 2 and 3 differ from a neighbour; of two channels one does.
    assert motion_energy(clip, both=True).tolist() == [[0.0, 2.0, 4.0, 2.0, 0.0]]
    assert motion_energy(clip, both=False).tolist() == [[0.0, 2.0, 2.0, 0.0, 0.0]]
    assert quiet_frames(clip, 2, mask="both").tolist() == [[0, 1, 4]]
    assert quiet_frames(clip, 2, mask="forward").tolist() == [[0, 3, 4]]
    assert quiet_frames(clip, 1, mask="forward").tolist() == [[0, 1, 3, 4]]
    assert quiet_frames(clip, 2, mask="random").tolist() == [[0, 1, 2, 3, 4]]
    assert take_frames(clip, torch.tensor([[1, 2]]))[0, 0, :, 0, 0].tolist() == [0.0, 2.0]
    with pytest.raises(ShapeError, match="5 of 5 frames cannot be hidden"):
        quiet_frames(clip, 5, mask="both")


def test_a_single_sample_and_one_class_are_no_trouble() -> None:
    alone = Batch(*(each[:1] for each in batch()[:3]))
    assert all(loss.isfinite() for loss in made().losses(alone).values())


def test_joints_are_hidden_with_the_clip() -> None:
    method = made()
    given: list[Tensor | None] = []
    method.encoder.register_forward_pre_hook(lambda _, inputs: given.append(inputs[1]))
    method.losses(batch()._replace(joints=batch().clip))
    assert [each.shape[2] for each in given if each is not None] == [FRAMES, FRAMES - 2 * HIDDEN]


@pytest.mark.parametrize(
    "options", [{"temporal_weight": -1.0}, {"margin": -0.1}, {"widths": (8, 0)}, {"hidden_frames": 0}]
)
def test_options_out_of_range(options: dict[str, Any]) -> None:
    with pytest.raises(ShapeError, match="must be at least"):
        made(**options)


def test_clips_that_are_too_short() -> None:
    with pytest.raises(ShapeError, match="16 frames have none left when twice hidden_frames=8"):
        made(hidden_frames=8).losses(batch())
    with pytest.raises(DataError, match="no 'definition'"):
        made(text="definition")
