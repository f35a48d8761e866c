# SPDX-License-Identifier: Apache-2.0
"""Only sequences that weights were fitted to are read, as tests see them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import FRAMES, loaded, tiny_store
from tiny_net import TinyNet

from bonefide.config.build import Experiment, build_data
from bonefide.config.load import single_run
from bonefide.data.store import SkeletonStore
from bonefide.errors import DataError
from bonefide.layouts import layout
from bonefide.methods.supervised import Supervised
from bonefide.serving.calibration import calibration
from bonefide.serving.network import Network


@pytest.fixture
def network() -> Network:
    return Network(Supervised(TinyNet(layout("ucla20"), 3), num_classes=2), layout("ucla20"), 3, FRAMES, 1, {})


def _data(folder: Path, **settings: object) -> Experiment:
    recipe = loaded(folder, **settings)
    return build_data(single_run(recipe, next(iter(recipe.runs))), tiny_store(folder / "store", count=60))


def test_no_other_sequence_is_read(network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = _data(tmp_path, data__validation={"share": 0.4, "by": "subject"})
    assert data.validation is not None
    fitted = set(data.known.rows.tolist())
    assert not fitted & (set(data.test.rows.tolist()) | set(data.validation.rows.tolist()))
    seen: list[int] = []
    read = SkeletonStore.joints

    def watched(self: SkeletonStore, row: int) -> np.ndarray:  # type: ignore[type-arg]
        if row not in fitted:
            raise AssertionError(f"row {row} was not trained with")
        seen.append(row)
        return read(self, row)

    monkeypatch.setattr(SkeletonStore, "joints", watched)
    found = calibration(network, data, sequences=5)
    assert found.sequences == 5
    assert len(seen) == len(set(seen)) == 10, "those compared on are others"
    clips = torch.cat([each[0] for each in (*found.measured, *found.held)])
    places = [data.known.rows.tolist().index(row) for row in seen]
    expected = np.stack([data.known[place].clip for place in places])
    np.testing.assert_array_equal(clips.numpy(), expected)
    assert found.facts == {"precision": "int8", "calibration_sequences": "5"}


def test_few_sequences_are_halved(network: Network, tmp_path: Path) -> None:
    data = _data(tmp_path)
    found = calibration(network, data, sequences=1000)
    assert found.sequences == len(data.known) // 2 == 15
    assert [sum(map(len, (each[0] for each in part))) for part in (found.measured, found.held)] == [15, 15]
    other = calibration(network, data, sequences=1000, seed=1)
    assert not torch.equal(other.measured[0][0], found.measured[0][0])
    again = calibration(network, data, sequences=1000)
    assert torch.equal(again.measured[0][0], found.measured[0][0])


def test_one_sequence_is_too_few(network: Network, tmp_path: Path) -> None:
    data = _data(tmp_path)
    data.known.rows = data.known.rows[:1]
    with pytest.raises(DataError, match="at least two training sequences"):
        calibration(network, data, sequences=1)
