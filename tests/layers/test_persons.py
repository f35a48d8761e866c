# SPDX-License-Identifier: Apache-2.0
"""Folding persons: order, statistics of their own, and back."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bonefide.layers.persons import PersonBatchNorm, distinct_persons, unfold_persons

CLIP = torch.randn(4, 3, 6, 5, 2, generator=torch.Generator().manual_seed(0))


def test_folding_and_back_keeps_persons_apart() -> None:
    norm = PersonBatchNorm(3, 5, 2).eval()
    folded = norm(CLIP)
    assert folded.shape == (8, 3, 6, 5)
    back = unfold_persons(folded, 2).permute(0, 2, 3, 4, 1)
    torch.testing.assert_close(back, CLIP / (1 + 1e-5) ** 0.5)


def test_features_are_ordered_person_joint_coordinate() -> None:
    norm = PersonBatchNorm(3, 5, 2).eval()
    person, joint, coordinate = 1, 3, 2
    with torch.no_grad():
        norm.norm.bias[(person * 5 + joint) * 3 + coordinate] = 100
    moved = unfold_persons(norm(CLIP), 2) > 50
    assert moved[:, person, coordinate, :, joint].all()
    assert moved.sum() == 4 * 6


def test_person_slots_have_statistics_of_their_own() -> None:
    apart = CLIP.clone()
    apart[..., 1] = apart[..., 1] * 7 + 3
    normed = unfold_persons(PersonBatchNorm(3, 5, 2)(apart), 2)
    for person in range(2):
        torch.testing.assert_close(normed[:, person].mean(dim=(0, 2)), torch.zeros(3, 5), atol=1e-5, rtol=0)
        deviation = normed[:, person].std(dim=(0, 2), correction=0)
        torch.testing.assert_close(deviation, torch.ones(3, 5), atol=1e-3, rtol=0)


def with_absent() -> torch.Tensor:
    clip = CLIP.clone()
    clip[1:, ..., 1] = 0
    clip[2, ..., 0] = 0
    return clip


def test_absent_persons_of_a_slot_are_computed_once() -> None:
    clip, norm = with_absent(), PersonBatchNorm(3, 5, 2).eval()
    persons = distinct_persons(clip, norm)
    folded = persons.select(norm(clip))
    # Persons 0 and 1 of the first clip, then those who are there, and the first absent one of each slot.
    assert folded.shape[0] == 6
    torch.testing.assert_close(persons.unfold(folded), unfold_persons(norm(clip), 2), rtol=0, atol=0)


def test_a_person_who_is_there_is_never_left_out() -> None:
    clip = with_absent()
    clip[3, 1, 5, 4, 1] = 1e-30
    norm = PersonBatchNorm(3, 5, 2).eval()
    assert 7 in distinct_persons(clip, norm).computed.tolist()


@pytest.mark.parametrize("clip", [CLIP, CLIP[..., :1], with_absent()[:2]], ids=["all there", "one slot", "one absent"])
def test_where_nothing_repeats_nothing_is_left_out(clip: torch.Tensor) -> None:
    assert distinct_persons(clip, nn.Identity().eval()).computed is None


def test_where_any_module_trains_nothing_is_left_out() -> None:
    network = nn.Sequential(nn.Identity(), PersonBatchNorm(3, 5, 2)).eval()
    assert distinct_persons(with_absent(), network).computed is not None
    network[1].norm.train()
    assert distinct_persons(with_absent(), network).computed is None


def test_whoever_wants_the_gradient_of_the_clip_has_one_of_every_person() -> None:
    assert distinct_persons(with_absent()).computed is not None
    assert distinct_persons(with_absent().requires_grad_()).computed is None
