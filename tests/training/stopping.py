# SPDX-License-Identifier: Apache-2.0
"""Trainings stopped in the midst of an epoch, and whether they ended as if they had not been."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from bonefide.evaluation.scores import load_scores
from bonefide.run import Run
from bonefide.training.module import MethodModule


class StoppedError(Exception):
    """Whoever started it has gone."""


def stop_at_step(monkeypatch: pytest.MonkeyPatch, last: int) -> None:
    step, done = MethodModule.training_step, []

    def stopping(self: MethodModule, *arguments: Any) -> torch.Tensor:
        done.append(1)
        if len(done) == last:
            raise StoppedError
        return step(self, *arguments)

    monkeypatch.setattr(MethodModule, "training_step", stopping)


def same_weights(first: Run, second: Run) -> bool:
    ours, theirs = load_file(first.weights_file), load_file(second.weights_file)
    assert ours.keys() == theirs.keys()
    return all(torch.equal(ours[name], theirs[name]) for name in ours)


def assert_equal(first: Run, second: Run) -> None:
    assert same_weights(first, second)
    scores = [load_scores(run.scores_file) for run in (first, second)]
    np.testing.assert_array_equal(scores[0].values, scores[1].values)
    assert scores[0].branches.keys() == scores[1].branches.keys()
    for name, values in scores[0].branches.items():
        np.testing.assert_array_equal(values, scores[1].branches[name])
    assert [{**row, "seconds": 0} for row in first.log()] == [{**row, "seconds": 0} for row in second.log()]
    states = [torch.load(run.checkpoint_file, weights_only=True) for run in (first, second)]
    moments = [state["optimizer_states"][0]["state"] for state in states]
    assert moments[0]
    for key, kept in moments[0].items():
        assert all(torch.equal(value, moments[1][key][name]) for name, value in kept.items() if torch.is_tensor(value))
