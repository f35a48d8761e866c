# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import inspect
from dataclasses import replace

import numpy as np
import pytest
from make_runs import made_scores

from bonefide.errors import ScoresError
from bonefide.evaluation.ensemble import equal_weights, fit_weights, fuse, fuse_fitted_on_test
from bonefide.evaluation.metrics import top_k


def test_fusion_joins_on_names_in_any_order() -> None:
    joint, bone = made_scores(40, seed=1), made_scores(40, seed=2)
    order = np.random.default_rng(0).permutation(40)
    shuffled = replace(bone, names=bone.names[order], values=bone.values[order], labels=bone.labels[order])
    fused = fuse({"joint": joint, "bone": shuffled}, {"joint": 0.6, "bone": 0.4})
    np.testing.assert_allclose(fused.values, 0.6 * joint.values.astype(float) + 0.4 * bone.values, atol=1e-6)
    np.testing.assert_array_equal(fused.names, joint.names)


def test_fusion_says_how_its_members_were_chosen_and_keeps_equal_hashes_only() -> None:
    joint = made_scores(20, selected_on="last")
    bone = replace(made_scores(20, selected_on="best_on_test"), hashes={**joint.hashes, "recipe": "another"})
    fused = fuse({"joint": joint, "bone": bone}, equal_weights(["joint", "bone"]))
    assert fused.selected_on == "last+best_on_test"
    assert fused.hashes == {key: joint.hashes[key] for key in ("split", "preparation")}


def test_fusion_refuses_other_runs_and_other_samples() -> None:
    with pytest.raises(ScoresError, match="one weight for each"):
        fuse({"joint": made_scores()}, {"bone": 1.0})
    with pytest.raises(ScoresError, match="different samples"):
        fuse({"joint": made_scores(20), "bone": made_scores(30)}, {"joint": 1.0, "bone": 1.0})
    with pytest.raises(ScoresError, match="at least one run"):
        fuse({}, {})


def test_fitted_weights_are_the_best_of_the_grid() -> None:
    good, noise = made_scores(100, seed=1, strength=3), made_scores(100, seed=5, strength=0)
    loud = replace(noise, values=10 * noise.values)
    weights = fit_weights({"good": good, "loud": loud})
    fused = top_k(fuse({"good": good, "loud": loud}, weights))
    assert weights["good"] == 1
    assert weights["loud"] <= 0.1
    for other in np.linspace(0, 1, 11):
        assert fused >= top_k(fuse({"good": good, "loud": loud}, {"good": 1.0, "loud": other}))
        assert fused >= top_k(fuse({"good": good, "loud": loud}, {"good": other, "loud": 1.0}))


def test_equally_good_weights_are_the_even_ones() -> None:
    scores = made_scores(30)
    assert fit_weights({"joint": scores, "bone": scores}) == {"joint": 1.0, "bone": 1.0}


def test_fitting_takes_validation_scores_and_nothing_else() -> None:
    assert list(inspect.signature(fit_weights).parameters) == ["validation"]
    validation = {"joint": made_scores(60, seed=1), "bone": made_scores(60, seed=2)}
    before = fit_weights(validation)
    # Test scores that would prefer quite other weights exist at the same time and change nothing.
    test = {"joint": made_scores(60, seed=1, strength=0), "bone": made_scores(60, seed=3, strength=9)}
    fuse(test, before)
    assert fit_weights(validation) == before


def test_fitting_refuses_nothing_and_too_many() -> None:
    with pytest.raises(ScoresError, match="at least one run"):
        fit_weights({})
    with pytest.raises(ScoresError, match="too many"):
        fit_weights({str(number): made_scores(10) for number in range(6)})


def test_what_test_labels_fitted_says_so_and_is_no_worse_than_equal() -> None:
    test = {"joint": made_scores(200, seed=1), "bone": made_scores(200, seed=2), "noise": made_scores(200, strength=0)}
    fused, weights = fuse_fitted_on_test(test)
    assert fused.selected_on == "last+fitted_on_test"
    assert list(weights) == list(test)
    assert all(0.2 <= weight <= 1.2 for weight in weights.values())
    np.testing.assert_array_equal(fused.values, fuse(test, weights).values)
    assert top_k(fused) >= top_k(fuse(test, equal_weights(test)))
    assert weights["noise"] == min(weights.values())
    assert fuse_fitted_on_test(test)[1] == weights
    assert fuse_fitted_on_test(test, seed=1)[1] != weights
    with pytest.raises(ScoresError, match="at least one run"):
        fuse_fitted_on_test({})


def test_of_weights_that_fit_the_test_part_equally_well_equal_ones_are_taken() -> None:
    scores = made_scores(30)
    assert fuse_fitted_on_test({"joint": scores, "bone": scores})[1] == {"joint": 1.0, "bone": 1.0}
