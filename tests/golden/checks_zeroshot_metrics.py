# SPDX-License-Identifier: Apache-2.0
"""Zero-shot figures, honest ones and those of Neuron's code, on made-up scores."""

from __future__ import annotations

import numpy as np
import pytest
from fixture import Fixture

from bonefide.data.class_splits import ClassSplit
from bonefide.evaluation.zero_shot import unseen_accuracy
from bonefide.evaluation.zero_shot_oracles import NEURON_GAMMAS, either_correct, either_correct_on_test
from bonefide.types import Array, Scores

__all__ = ["CHECKS"]

BOTH = ("spatial", "temporal")


def _check_metrics(fixture: Fixture) -> None:
    arrays, near = fixture.arrays, fixture.meta["tolerance"]["percent_abs"]
    expected = {name.removeprefix("output/"): arrays[name] for name in arrays if name.startswith("output/")}
    split = ClassSplit("fixture", tuple(arrays["input/seen"].tolist()), tuple(arrays["input/unseen"].tolist()))
    found = _zero_shot(fixture, split) | _generalized(fixture, split)
    assert found.keys() == expected.keys(), "every output is checked"
    for name, value in found.items():
        limit = 1e-12 if name.endswith("Factor") else near
        assert value == pytest.approx(float(expected[name]), abs=limit), name


def _zero_shot(fixture: Fixture, split: ClassSplit) -> dict[str, float]:
    # Its scores are of unseen classes alone; the others get nothing.
    scores = _scores({name: _wide(fixture.arrays[f"input/zsl_logits_{name}"][2], split) for name in BOTH},
                     fixture.arrays["input/zsl_labels"])  # fmt: skip
    labels = scores.labels
    either = either_correct(scores, split, BOTH)
    return {
        "zsl_official_or_percent": either,
        "zsl_or_exact_percent": either,
        "zsl_fused_percent": unseen_accuracy(scores.values, labels, split),
        **{f"zsl_{name}_percent": unseen_accuracy(scores.branches[name], labels, split) for name in BOTH},
    }


def _generalized(fixture: Fixture, split: ClassSplit) -> dict[str, float]:
    logits = {name: fixture.arrays[f"input/gzsl_logits_{name}"][2] for name in BOTH}
    scores = _scores(logits, fixture.arrays["input/gzsl_labels"])
    search = either_correct_on_test(scores, split, BOTH, gammas=NEURON_GAMMAS)
    named = {"Spa ": search.branches[0], "Tem ": search.branches[1], "": search.either}
    figures = {
        f"gzsl_official/{what} {name}Acc": value
        for name, found in named.items()
        for what, value in zip(("Seen", "Unseen", "Harmonic Mean"), found, strict=True)
    }
    gammas = zip(("Spatial", "Temporal"), search.gammas, strict=True)
    return figures | {f"gzsl_official/Calibration {name} Factor": gamma for name, gamma in gammas}


def _wide(values: Array, split: ClassSplit) -> Array:
    wide = np.full((len(values), len(split.seen) + len(split.unseen)), -np.inf)
    wide[:, list(split.unseen)] = values
    return wide


def _scores(branches: dict[str, Array], labels: Array) -> Scores:
    whole = np.sum([values.astype(np.float64) for values in branches.values()], axis=0)
    names = np.arange(len(labels)).astype(str)
    return Scores(names, whole, labels, tuple(map(str, range(whole.shape[1]))), "last", {}, branches)


CHECKS = {"zeroshot_neuron_metrics": _check_metrics}
