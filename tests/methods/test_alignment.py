# SPDX-License-Identifier: Apache-2.0
"""PGFA's alignment on made-up clusters; the official numbers are golden checks."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from bonefide.errors import ShapeError
from bonefide.methods._alignment import align, align_running

CLASSES, EACH, WIDTH = 4, 15, 8


def clusters(seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Features of well separated classes, their labels, and texts that are off but nearest to their own."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(CLASSES).repeat(EACH)
    centres = torch.eye(CLASSES, WIDTH)
    features = centres[labels] + 0.05 * torch.randn(len(labels), WIDTH, generator=generator)
    lengths = 0.5 + torch.rand(len(labels), 1, generator=generator)
    return lengths * features, labels, centres + 0.2 * torch.randn(CLASSES, WIDTH, generator=generator)


def test_with_all_samples_prototypes_are_the_means_of_clusters() -> None:
    features, labels, text = clusters()
    found = align(features, text, 1.0)
    assert found.selected.all()
    assert torch.equal(found.pseudo_labels, labels)
    unit = F.normalize(features, dim=1)
    for label in range(CLASSES):
        torch.testing.assert_close(found.prototypes[label], unit[labels == label].mean(dim=0))


def test_with_no_samples_every_class_keeps_its_text() -> None:
    features, _, text = clusters()
    found = align(features, text, 0.0)
    assert found.fallback.all()
    assert not found.selected.any()
    assert torch.equal(found.prototypes, text)
    assert torch.equal(found.similarities.argmax(dim=1), found.pseudo_labels)


def test_a_class_never_predicted_keeps_its_text_or_what_it_is_told() -> None:
    features, _, text = clusters()
    nowhere = torch.cat([text, -torch.ones(1, WIDTH)])
    found = align(features, nowhere, 1.0, iterations=3)
    assert found.fallback.tolist() == [False] * CLASSES + [True]
    assert torch.equal(found.prototypes[-1], nowhere[-1])
    other = align(features, nowhere, 1.0, fallback=-2 * torch.ones(CLASSES + 1, WIDTH))
    assert torch.equal(other.prototypes[-1], -2 * torch.ones(WIDTH))


def test_the_order_of_samples_does_not_matter() -> None:
    features, _, text = clusters()
    order = torch.randperm(len(features), generator=torch.Generator().manual_seed(3))
    one, other = (align(each, text, 0.6, iterations=3) for each in (features, features[order]))
    assert torch.equal(one.prototypes, other.prototypes)
    assert torch.equal(one.selected[order], other.selected)
    assert torch.equal(one.similarities[order], other.similarities)


def test_the_surest_of_each_class_are_selected() -> None:
    features, labels, text = clusters()
    found = align(features, text, 0.5)
    for label in range(CLASSES):
        own = labels == label
        assert found.selected[own].sum() == int(EACH * 0.5)
        assert found.entropy[own & found.selected].max() <= found.entropy[own & ~found.selected].min()


def test_interpolation_leads_from_prototypes_to_texts() -> None:
    features, _, text = clusters()
    whole, half, none = (align(features, text, 0.5, interpolate=share).prototypes for share in (1.0, 0.5, 0.0))
    torch.testing.assert_close(whole, F.normalize(text, dim=1))
    torch.testing.assert_close(half, (whole + none) / 2)


def test_running_alignment_knows_only_what_has_come() -> None:
    features, _, text = clusters()
    running = align_running(features, text, 0.9, batch=20)
    assert running.shape == (CLASSES * EACH, CLASSES)
    assert torch.equal(running[:20], align(features[:20], text, 0.9).similarities)
    assert torch.equal(running[40:], align(features, text, 0.9).similarities[40:])
    changed = torch.cat([features[:20], torch.randn(40, WIDTH)])
    assert torch.equal(align_running(changed, text, 0.9, batch=20)[:20], running[:20])
    assert align_running(features[:0], text, 0.9, batch=20).shape == (0, CLASSES)


@pytest.mark.parametrize("options", [{"alpha": -0.1}, {"alpha": 1.1}, {"interpolate": 2.0}, {"iterations": 0}])
def test_options_out_of_range(options: dict[str, Any]) -> None:
    features, _, text = clusters()
    with pytest.raises(ShapeError, match="iterations at least 1"):
        align(features, text, **{"alpha": 0.5, **options})


def test_an_empty_batch_of_a_stream() -> None:
    features, _, text = clusters()
    with pytest.raises(ShapeError, match="batch must be at least 1, got 0"):
        align_running(features, text, 0.5, batch=0)
