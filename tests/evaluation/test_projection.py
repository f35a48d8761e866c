# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bonefide.data.class_splits import ClassSplit
from bonefide.errors import RunError
from bonefide.evaluation.projection import project

SPLIT = ClassSplit("mine", seen=(0, 2), unseen=(3, 1))


def made(file: Path, *, count: int = 40, width: int = 6, texts: int | None = 6) -> Path:
    generator = np.random.default_rng(0)
    centers = 4 * generator.normal(size=(5, width))
    labels = np.arange(count) % 5
    found = {"labels": labels, "features": centers[labels] + generator.normal(size=(count, width))}
    if texts is not None:
        found["texts"] = centers[:, :texts] if texts <= width else np.ones((5, texts))
    np.savez(file, **{name: each.astype(np.float16 if name != "labels" else np.int64) for name, each in found.items()})  # type: ignore[arg-type]
    return file


def test_neighbours_stay_together(tmp_path: Path) -> None:
    found = project(made(tmp_path / "features.npz"), SPLIT)
    assert found is not None
    # Class 4 is on neither side.
    assert np.bincount(found.labels + 1).tolist() == [16, 8, 8]
    assert np.abs(found.points).max() <= 1 + 1e-6
    for place, text in enumerate(found.texts):
        centers = [found.points[found.labels == other].mean(axis=0) for other in range(2)]
        assert np.argmin([np.linalg.norm(center - text) for center in centers]) == place
    again = project(tmp_path / "features.npz", SPLIT)
    assert again is not None
    np.testing.assert_array_equal(found.points, again.points)


def test_texts_of_another_space_are_left_out(tmp_path: Path) -> None:
    for texts in (7, None):
        found = project(made(tmp_path / f"{texts}.npz", texts=texts), SPLIT)
        assert found is not None
        assert found.texts.shape == (0, 2)


def test_not_all_of_many_samples_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bonefide.evaluation.projection._UNSEEN", 9)
    monkeypatch.setattr("bonefide.evaluation.projection._SEEN", 5)
    found = project(made(tmp_path / "features.npz"), SPLIT)
    assert found is not None
    assert ((found.labels >= 0).sum(), (found.labels == -1).sum()) == (9, 5)


def test_too_few_samples_and_no_features(tmp_path: Path) -> None:
    assert project(made(tmp_path / "few.npz", count=3), SPLIT) is None
    (tmp_path / "bad.npz").write_bytes(b"PK")
    np.savez(tmp_path / "other.npz", labels=np.zeros(3))
    for name in ("bad", "other", "none"):
        with pytest.raises(RunError, match="no features of a run"):
            project(tmp_path / f"{name}.npz", SPLIT)
