# SPDX-License-Identifier: Apache-2.0
"""Nearest neighbours and linear classifiers on features."""

from __future__ import annotations

import numpy as np
import pytest

from bonefide.errors import DataError, ShapeError
from bonefide.evaluation.probe import Sheet, linear_probe, nearest_probe
from bonefide.types import Array


def drawn(count: int, *, apart: float, classes: int = 4, seed: int = 0) -> tuple[Array, Array, Array]:
    """Features, labels and persons; classes lie so far apart, in units of their spread."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    centers = np.eye(classes, 16) * apart
    return centers[labels] + generator.normal(size=(count, 16)), labels, np.arange(count) // classes % 6


def right(predictions: Array, labels: Array) -> float:
    return float((predictions == labels).mean())


def test_classes_that_differ_are_told_apart_and_noise_is_not() -> None:
    train, (features, labels, _) = Sheet(*drawn(96, apart=8)), drawn(400, apart=8, seed=1)
    assert right(linear_probe(train, features).predictions, labels) > 0.98
    assert right(nearest_probe(train, features), labels) > 0.95
    assert right(nearest_probe(train, features, neighbors=5), labels) > 0.98
    noise, (features, labels, _) = Sheet(*drawn(96, apart=0)), drawn(400, apart=0, seed=1)
    for predictions in (linear_probe(noise, features).predictions, nearest_probe(noise, features)):
        assert 0.15 < right(predictions, labels) < 0.35


def test_units_and_offsets_of_features_do_not_matter_to_the_linear_one() -> None:
    (given, labels, persons), (features, _, _) = drawn(96, apart=2), drawn(50, apart=2, seed=1)
    scale, shift = np.logspace(-3, 3, 16), np.linspace(-9, 9, 16)
    first = linear_probe(Sheet(given, labels, persons), features)
    second = linear_probe(Sheet(given * scale + shift, labels, persons), features * scale + shift)
    np.testing.assert_array_equal(first.predictions, second.predictions)
    assert (first.strength, first.held_out) == (second.strength, second.held_out)


def test_neighbours_are_near_by_their_angle_and_draws_go_to_the_first_class() -> None:
    train = Sheet(np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8], [0.8, 0.6]]), np.array([0, 1, 1, 0]))
    asked = np.array([[50.0, 1.0], [0.0, 0.01], [3.0, 3.1]])
    assert nearest_probe(train, asked).tolist() == [0, 1, 1]
    assert nearest_probe(train, asked, neighbors=3).tolist() == [0, 1, 1]
    assert nearest_probe(train, asked, neighbors=4).tolist() == [0, 0, 0]


def test_regularisation_is_chosen_on_people_held_out() -> None:
    """Everybody does one thing and looks like nobody else, so that only who it is tells what it is."""
    generator = np.random.default_rng(0)
    persons = np.repeat(np.arange(12), 8)
    looks = 10 * generator.normal(size=(12, 40))
    features = looks[persons] + generator.normal(size=(96, 40))
    by_person = linear_probe(Sheet(features, persons % 2, persons), features)
    by_sample = linear_probe(Sheet(features, persons % 2), features)
    assert by_sample.held_out == 100
    assert by_person.held_out < 75
    assert by_person.chosen == "5 folds by who performs"
    assert by_sample.chosen == "5 folds of samples, since who performs is not known or always the same"
    for groups in (np.zeros(96, dtype=int), np.where(persons == 3, -1, persons)):
        assert linear_probe(Sheet(features, persons % 2, groups), features).chosen == by_sample.chosen


def test_noise_wants_more_regularisation_than_what_is_plain() -> None:
    generator = np.random.default_rng(0)
    labels = np.arange(60) % 2
    plain = np.concatenate([labels[:, None] * 2.0 - 1, generator.normal(size=(60, 80))], axis=1)
    plain[:, 0] += generator.normal(size=60) * 0.8
    found = linear_probe(Sheet(plain, labels, np.arange(60) // 10), plain)
    assert found.strength < 1


def test_what_is_classified_does_not_influence_what_is_chosen() -> None:
    train, (features, _, _) = Sheet(*drawn(96, apart=2)), drawn(80, apart=2, seed=1)
    whole = linear_probe(train, features)
    for rows in (np.arange(7), np.arange(80)[::-1]):
        found = linear_probe(train, features[rows])
        assert (found.strength, found.held_out) == (whole.strength, whole.held_out)
        np.testing.assert_array_equal(found.predictions, whole.predictions[rows])


def test_a_fold_with_one_class_left_is_no_obstacle() -> None:
    train = Sheet(np.arange(8.0)[:, None], np.array([0, 0, 0, 0, 1, 1, 1, 1]), np.array([0, 0, 0, 0, 1, 1, 1, 1]))
    found = linear_probe(train, np.array([[0.0], [7.0]]))
    assert (found.held_out, found.chosen, found.predictions.tolist()) == (0.0, "2 folds by who performs", [0, 1])


def test_what_cannot_be_probed() -> None:
    alike = Sheet(np.eye(3), np.array([2, 2, 2]))
    for verb in (nearest_probe, linear_probe):
        with pytest.raises(DataError, match="all 3 training samples are of class 2; there is nothing to tell apart"):
            verb(alike, np.eye(3))
    with pytest.raises(ShapeError, match="neighbors must be 1 to 3, the training samples; got 5"):
        nearest_probe(Sheet(np.eye(3), np.array([0, 1, 1])), np.eye(3), neighbors=5)
    for features, labels, groups in (
        (np.eye(3), np.arange(2), None),
        (np.eye(3), np.arange(3), np.arange(2)),
        (np.zeros(3), np.arange(3), None),
        (np.zeros((0, 3)), np.arange(0), None),
    ):
        with pytest.raises(ShapeError, match="need n labels and groups"):
            Sheet(features, labels, groups)
