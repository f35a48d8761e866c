# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from make_runs import made_scores
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, top_k_accuracy_score
from torchmetrics.functional.classification import multiclass_accuracy

from bonefide.errors import ScoresError
from bonefide.evaluation.metrics import balanced_accuracy, confusion, per_class, top_k
from bonefide.types import Scores


def scored(values: list[list[float]], labels: list[int]) -> Scores:
    names = np.array([str(number) for number in range(len(labels))], dtype=np.str_)
    classes = tuple("abcd"[: len(values[0])])
    return Scores(names, np.array(values), np.array(labels), classes, "last", {})


def test_top_k_equals_scikit_learn() -> None:
    scores = made_scores(200)
    for k in (1, 3, 5):
        expected = top_k_accuracy_score(scores.labels, scores.values, k=k, labels=range(10))
        assert top_k(scores, k) == pytest.approx(100 * expected)


def test_top_k_and_classes_equal_torchmetrics() -> None:
    scores = made_scores(200)
    values, labels = torch.tensor(scores.values), torch.tensor(scores.labels)
    for k in (1, 3, 5):
        expected = multiclass_accuracy(values, labels, num_classes=10, average="micro", top_k=k)
        assert top_k(scores, k) == pytest.approx(100 * float(expected))
    expected = multiclass_accuracy(values, labels, num_classes=10, average=None)
    np.testing.assert_allclose(per_class(scores), 100 * expected, rtol=1e-5)


def test_equal_scores_are_no_lucky_hit() -> None:
    constant = scored([[1.0, 1.0, 1.0]] * 3, [0, 1, 2])
    assert top_k(constant, 1) == pytest.approx(100 / 3)
    assert top_k(constant, 2) == pytest.approx(200 / 3)


def test_top_k_refuses_what_is_not_defined() -> None:
    with pytest.raises(ScoresError, match="top-0"):
        top_k(made_scores(), 0)
    empty = Scores(np.array([], dtype=str), np.zeros((0, 2)), np.zeros(0, int), ("a", "b"), "last", {})
    with pytest.raises(ScoresError, match="0 samples"):
        top_k(empty)
    scores = made_scores()
    diverged = scores.values.copy()
    diverged[3, 3] = np.nan
    with pytest.raises(ScoresError, match="diverged"):
        top_k(replace(scores, values=diverged))


def test_confusion_has_true_classes_in_rows() -> None:
    scores = scored([[0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]], [0, 1, 0])
    assert confusion(scores).tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]


def test_confusion_equals_scikit_learn() -> None:
    scores = made_scores(133, strength=0.5)
    expected = confusion_matrix(scores.labels, scores.predictions, labels=range(10))
    np.testing.assert_array_equal(confusion(scores), expected)


def test_a_class_without_samples_has_no_accuracy_and_does_not_count() -> None:
    scores = scored([[0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]], [0, 1, 0])
    np.testing.assert_array_equal(per_class(scores), [50.0, 100.0, np.nan])
    assert balanced_accuracy(scores) == pytest.approx(75.0)


def test_balanced_accuracy_equals_scikit_learn() -> None:
    scores = made_scores(133)
    expected = balanced_accuracy_score(scores.labels, scores.predictions)
    assert balanced_accuracy(scores) == pytest.approx(100 * expected)
