# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier

from bonefide.errors import ShapeError
from bonefide.evaluation.nearest import nearest_of_classes


def test_the_highest_score_is_the_nearest_neighbours_class() -> None:
    generator = torch.Generator().manual_seed(0)
    known, asked = torch.randn(50, 6, generator=generator), torch.randn(3000, 6, generator=generator)
    labels = torch.arange(50) % 7
    scores = nearest_of_classes(known, labels, asked, num_classes=9)
    expected = KNeighborsClassifier(1, metric="cosine").fit(known.numpy(), labels.numpy()).predict(asked.numpy())
    np.testing.assert_array_equal(scores.argmax(dim=1).numpy(), expected)
    assert (scores[:, 7:] == -1).all(), "nobody is known of these classes"
    own = torch.nn.functional.cosine_similarity(asked[7:8], known[labels == 3]).max()
    assert scores[7, 3].item() == pytest.approx(own.item(), abs=1e-6)


def test_length_does_not_matter() -> None:
    known, asked = torch.tensor([[5.0, 0.0], [0.0, 1.0]]), torch.tensor([[0.1, 1.0]])
    assert nearest_of_classes(known, torch.tensor([0, 1]), asked, num_classes=2).argmax().item() == 1


def test_refuses_what_cannot_be_compared() -> None:
    labels = torch.tensor([0, 1])
    with pytest.raises(ShapeError, match=r"\(2, 3\), 2 labels and \(1, 4\)"):
        nearest_of_classes(torch.ones(2, 3), labels, torch.ones(1, 4), num_classes=2)
    with pytest.raises(ShapeError, match=r"\(0, 3\), 2 labels"):
        nearest_of_classes(torch.ones(0, 3), labels, torch.ones(1, 3), num_classes=2)
    with pytest.raises(ShapeError, match="not finite"):
        nearest_of_classes(torch.full((2, 3), torch.nan), labels, torch.ones(1, 3), num_classes=2)
