# SPDX-License-Identifier: Apache-2.0
"""The contrast with a memory, against its formulas written anchor by anchor, and its random negatives by statistics."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2, chisquare, hypergeom
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional as F

from bonefide.losses.memory_contrast import memory_contrast
from bonefide.types import Array

MODULE = importlib.import_module("bonefide.losses.memory_contrast")


def rows_of(labels: Tensor, classes: int) -> Tensor:
    found = [(labels == number).nonzero().flatten() for number in range(classes)]
    return torch.nn.utils.rnn.pad_sequence(found, batch_first=True, padding_value=-1)


def plain(
    anchors: Tensor,
    label: Tensor,
    bank: Tensor,
    filled: Tensor,
    labels: Tensor,
    *,
    usable: Tensor,
    positives: int,
    negatives: int,
    temperature: float,
    random_rank: Tensor,
) -> Tensor:
    """One anchor after another, one positive after another."""
    terms: list[Tensor] = []
    counted = 0
    for anchor, own, may in zip(anchors, label, usable, strict=True):
        similar = bank @ anchor / temperature
        same = similar[filled & (labels == own)]
        other = similar[filled & (labels != own)]
        if not may or len(same) < positives or len(other) < negatives:
            continue
        chance = other[random_rank[counted].long()]
        hard = other.sort(descending=True).values[:negatives]
        for positive in same.sort().values[:positives]:
            for against in (hard, chance):
                terms.append(-torch.log(positive.exp() / (positive.exp() + against.exp().sum())))
        counted += 1
    return torch.stack(terms).sum() / (2 * positives * counted) if counted else (anchors * 0).sum()


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(draw(st.integers(0, 10_000)))
    count, size, classes, width = (draw(st.integers(*each)) for each in ((1, 6), (8, 40), (2, 4), (2, 6)))
    labels = torch.randint(classes, (size,), generator=generator)
    filled = torch.rand(size, generator=generator) < draw(st.sampled_from([0.3, 0.7, 1.0]))
    positives, negatives = draw(st.integers(1, 5)), draw(st.integers(1, 8))
    place = torch.randperm(size, generator=generator)[:count]
    usable = torch.rand(count, generator=generator) < 0.8
    kind = {"dtype": torch.float64, "generator": generator}
    sums = [(int((filled & (labels == each)).sum()), int((filled & (labels != each)).sum())) for each in labels[place]]
    counted = [
        others
        for (own, others), may in zip(sums, usable.tolist(), strict=True)
        if may and own >= positives and others >= negatives
    ]
    ranks = [torch.randperm(others, generator=generator)[:negatives] for others in counted]
    return {
        "anchors": F.normalize(torch.randn(count, width, **kind), dim=1),
        "label": labels[place],
        "bank": F.normalize(torch.randn(size, width, **kind), dim=1) * filled.unsqueeze(1),
        "filled": filled,
        "labels": labels,
        "classes": classes,
        "options": {
            "usable": usable,
            "positives": positives,
            "negatives": negatives,
            "temperature": draw(st.sampled_from([0.1, 0.8])),
            "random_rank": torch.stack(ranks) if ranks else torch.zeros(0, negatives, dtype=torch.int64),
        },
    }


@settings(max_examples=150, deadline=None)
@given(cases())
def test_value_and_gradient_are_those_of_the_formulas(case: dict[str, Any]) -> None:
    ours, theirs = (case["anchors"].clone().requires_grad_() for _ in range(2))
    found = memory_contrast(
        ours,
        case["label"],
        bank=case["bank"],
        filled=case["filled"],
        rows=rows_of(case["labels"], case["classes"]),
        **case["options"],
    )
    expected = plain(theirs, case["label"], case["bank"], case["filled"], case["labels"], **case["options"])
    assert found.shape == ()
    torch.testing.assert_close(found, expected)
    (3 * found).backward()
    (3 * expected).backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


@settings(max_examples=50, deadline=None)
@given(cases())
def test_without_gradient_it_is_the_same(case: dict[str, Any]) -> None:
    given_ = {"bank": case["bank"], "filled": case["filled"], "rows": rows_of(case["labels"], case["classes"])}
    first = memory_contrast(case["anchors"], case["label"], **given_, **case["options"])
    anchors = case["anchors"].clone().requires_grad_()
    assert torch.equal(first, memory_contrast(anchors, case["label"], **given_, **case["options"]))


class Draws:
    """Random negatives of many calls: 36 rows of three classes, some empty; two anchors of class 0, one of class 1."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, calls: int = 6000) -> None:
        self.labels = torch.arange(36) % 3
        self.filled = torch.arange(36) % 7 != 2
        self.label = torch.tensor([0, 0, 1])
        seen: list[Tensor] = []
        rows_at = MODULE._rows_at
        monkeypatch.setattr(MODULE, "_rows_at", lambda *given_: seen.append(rows_at(*given_)) or seen[-1])
        generator = torch.Generator().manual_seed(5)
        anchors = F.normalize(torch.randn(3, 4, generator=generator), dim=1)
        bank = F.normalize(torch.randn(36, 4, generator=generator), dim=1)
        options: dict[str, Any] = {"positives": 2, "negatives": 6, "generator": generator}
        for _ in range(calls):
            memory_contrast(anchors, self.label, bank=bank, filled=self.filled, rows=rows_of(self.labels, 3), **options)
        self.rows = torch.stack(seen).numpy()

    def candidates(self, anchor: int) -> Array:
        return (self.filled & (self.labels != self.label[anchor])).nonzero().flatten().numpy()

    def chosen(self, anchor: int) -> Array:
        """(calls, candidates), whether each was drawn."""
        return (self.rows[:, anchor, :, None] == self.candidates(anchor)).any(axis=1)


@pytest.fixture
def draws(monkeypatch: pytest.MonkeyPatch) -> Draws:
    return Draws(monkeypatch)


def test_random_negatives_are_filled_foreign_and_different(draws: Draws) -> None:
    for anchor in range(3):
        assert np.isin(draws.rows[:, anchor], draws.candidates(anchor)).all()
        assert (draws.chosen(anchor).sum(axis=1) == 6).all()


def test_each_candidate_is_drawn_equally_often(draws: Draws) -> None:
    for anchor in range(3):
        chosen = draws.chosen(anchor)
        calls, size = chosen.shape
        expected = calls * 6 / size
        # Six of one draw exclude each other, which narrows the deviations of a multinomial.
        statistic = ((chosen.sum(axis=0) - expected) ** 2 / expected).sum() * (size - 1) / (size - 6)
        assert 1e-4 < chi2.sf(statistic, size - 1) < 1 - 1e-4


def test_pairs_are_drawn_at_the_rate_of_chance(draws: Draws) -> None:
    for anchor in range(3):
        chosen = draws.chosen(anchor).astype(np.float64)
        calls, size = chosen.shape
        rate = 6 * 5 / (size * (size - 1))
        together = (chosen.T @ chosen)[np.triu_indices(size, 1)]
        deviations = (together - calls * rate) / np.sqrt(calls * rate * (1 - rate))
        assert np.abs(deviations).max() < 4.5
        assert 0.8 < deviations.std() < 1.2


@pytest.mark.parametrize("shift", [0, 1])
def test_anchors_of_one_class_and_calls_draw_apart(draws: Draws, shift: int) -> None:
    """What two draws have in common is distributed as chance has it: between anchors, and between calls."""
    first, second = (draws.chosen(0), draws.chosen(1)) if shift == 0 else (draws.chosen(0)[1:], draws.chosen(0)[:-1])
    common = (first & second).sum(axis=1)
    expected = hypergeom(first.shape[1], 6, 6).pmf(np.arange(7)) * len(common)
    seen = np.bincount(common, minlength=7)
    rare = expected < 5
    seen, expected = np.append(seen[~rare], seen[rare].sum()), np.append(expected[~rare], expected[rare].sum())
    assert chisquare(seen, expected).pvalue > 1e-3


def test_nothing_depends_on_what_tensors_hold() -> None:
    """Tensors without contents: a test of one, or a shape made from one, is an error there; on a GPU it would wait."""
    with FakeTensorMode():
        anchors = torch.randn(4, 8).requires_grad_()
        label, filled = torch.randint(3, (4,)), torch.ones(50, dtype=torch.bool)
        rows, usable = torch.randint(50, (3, 20)), torch.ones(4, dtype=torch.bool)
        found = memory_contrast(
            anchors, label, bank=torch.randn(50, 8), filled=filled, rows=rows, usable=usable, positives=5, negatives=9
        )
        found.backward()
        assert found.shape == ()
        assert anchors.grad is not None


@pytest.mark.parametrize(("positives", "negatives"), [(3, 2), (1, 5)])
def test_what_can_never_count_is_an_attached_zero(positives: int, negatives: int) -> None:
    anchors = torch.eye(4)[:2].requires_grad_()
    label, rows = torch.tensor([0, 1]), torch.tensor([[0, 1], [2, 3]])
    filled = torch.ones(4, dtype=torch.bool)
    found = memory_contrast(
        anchors, label, bank=torch.eye(4), filled=filled, rows=rows, positives=positives, negatives=negatives
    )
    found.backward()
    assert found.shape == ()
    assert found.item() == 0
    assert anchors.grad is not None
    assert not anchors.grad.any()


def test_a_bank_that_changes_before_the_backward_pass_does_not_matter() -> None:
    labels = torch.arange(12) % 2
    bank = F.normalize(torch.randn(12, 3, generator=torch.Generator().manual_seed(0)), dim=1)
    gradients = []
    for spoil in (False, True):
        anchors, rows = bank[:2].clone().requires_grad_(), bank.clone()
        options: dict[str, Any] = {"positives": 2, "negatives": 3, "generator": torch.Generator().manual_seed(1)}
        filled = torch.ones(12, dtype=torch.bool)
        found = memory_contrast(anchors, labels[:2], bank=rows, filled=filled, rows=rows_of(labels, 2), **options)
        if spoil:
            rows.fill_(torch.nan)
            filled.fill_(False)
        found.backward()
        gradients.append(anchors.grad)
    torch.testing.assert_close(gradients[0], gradients[1], rtol=0, atol=0)


def test_separated_classes_reach_the_floor() -> None:
    """Positives at 1 and negatives at -1, the best there is: 3.762 with 512 negatives at temperature 0.8."""
    labels = torch.arange(2000) % 2
    bank = torch.where(labels == 0, 1.0, -1.0).unsqueeze(1)
    filled = torch.ones(2000, dtype=torch.bool)
    found = memory_contrast(bank[:4], labels[:4], bank=bank, filled=filled, rows=rows_of(labels, 2))
    assert found.item() == pytest.approx(3.762, abs=1e-3)
