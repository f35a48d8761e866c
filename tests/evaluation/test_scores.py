# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from make_runs import made_scores

from bonefide.errors import OutputError, ScoresError
from bonefide.evaluation.scores import align, load_scores, save_scores
from bonefide.types import Scores


def shuffled(scores: Scores, seed: int = 3) -> Scores:
    order = np.random.default_rng(seed).permutation(len(scores.names))
    return replace(scores, names=scores.names[order], values=scores.values[order], labels=scores.labels[order])


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    scores = made_scores(selected_on="validation")
    save_scores(scores, tmp_path / "scores.npz")
    again = load_scores(tmp_path / "scores.npz")
    np.testing.assert_array_equal(again.names, scores.names)
    np.testing.assert_array_equal(again.values, scores.values)
    np.testing.assert_array_equal(again.labels, scores.labels)
    assert (again.classes, again.selected_on, again.hashes) == (scores.classes, "validation", scores.hashes)
    assert [file.name for file in tmp_path.iterdir()] == ["scores.npz"]


def test_saving_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot write .*choose a place"):
        save_scores(made_scores(), tmp_path / "file" / "scores.npz")


def test_loading_what_is_missing_foreign_or_of_another_format(tmp_path: Path) -> None:
    with pytest.raises(ScoresError, match="no scores here"):
        load_scores(tmp_path / "scores.npz")
    (tmp_path / "text.npz").write_text("not an archive")
    with pytest.raises(ScoresError, match="not a file of scores"):
        load_scores(tmp_path / "text.npz")
    np.savez(tmp_path / "other.npz", names=np.array(["a"]))
    with pytest.raises(ScoresError, match="not a file of scores"):
        load_scores(tmp_path / "other.npz")
    np.savez(tmp_path / "later.npz", facts=np.array('{"format": 99}'))
    with pytest.raises(ScoresError, match="format 99"):
        load_scores(tmp_path / "later.npz")


def test_a_truncated_file_is_told(tmp_path: Path) -> None:
    save_scores(made_scores(), tmp_path / "scores.npz")
    whole = (tmp_path / "scores.npz").read_bytes()
    (tmp_path / "scores.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ScoresError, match="not a file of scores"):
        load_scores(tmp_path / "scores.npz")


def test_joining_is_on_names_not_on_position() -> None:
    scores = made_scores()
    first, second = align([scores, shuffled(scores)])
    np.testing.assert_array_equal(second.names, first.names)
    np.testing.assert_array_equal(second.values, first.values)
    np.testing.assert_array_equal(second.labels, first.labels)


def test_what_cannot_be_joined() -> None:
    scores = made_scores(20)
    with pytest.raises(ScoresError, match="at least one run"):
        align([])
    with pytest.raises(ScoresError, match="different classes"):
        align([scores, replace(scores, classes=tuple(reversed(scores.classes)))])
    fewer = replace(scores, names=scores.names[:-1], values=scores.values[:-1], labels=scores.labels[:-1])
    with pytest.raises(ScoresError, match="1 only in the first, 0 only in another"):
        align([scores, fewer])
    with pytest.raises(ScoresError, match="disagree about true labels"):
        align([scores, replace(scores, labels=(scores.labels + 1) % 10)])


def test_scores_refuse_what_does_not_fit() -> None:
    names, classes = np.array(["a", "b"]), ("sit", "stand")
    with pytest.raises(ScoresError, match="values of shape"):
        Scores(names, np.zeros((2, 3)), np.zeros(2, int), classes, "last", {})
    with pytest.raises(ScoresError, match="as many labels"):
        Scores(names, np.zeros((2, 2)), np.zeros(3, int), classes, "last", {})
    with pytest.raises(ScoresError, match="occurs twice"):
        Scores(np.array(["a", "a"]), np.zeros((2, 2)), np.zeros(2, int), classes, "last", {})


def test_branches_are_saved_and_joined_too(tmp_path: Path) -> None:
    branches = {"gd": made_scores(seed=5).values, "gd+fdd": made_scores(seed=6).values}
    scores = replace(made_scores(), branches=branches)
    save_scores(scores, tmp_path / "scores.npz")
    again = load_scores(tmp_path / "scores.npz")
    assert list(again.branches) == ["gd", "gd+fdd"]
    order = np.random.default_rng(3).permutation(len(scores.names))
    moved = replace(shuffled(scores), branches={name: values[order] for name, values in branches.items()})
    _, joined = align([scores, moved])
    for name, values in branches.items():
        np.testing.assert_array_equal(again.branches[name], values)
        np.testing.assert_array_equal(joined.branches[name], values)


def test_branches_of_other_classes_are_refused() -> None:
    with pytest.raises(ScoresError, match=r"need values of shape \(60, 10\)"):
        replace(made_scores(), branches={"gd": np.zeros((60, 9))})
