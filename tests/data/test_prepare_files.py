# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bonefide.data.preparation import preparation, prepare
from bonefide.data.prepare_files import prepare_files
from bonefide.data.synthetic.write import synthesize
from bonefide.errors import DataError
from bonefide.types import SkeletonSequence


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("raw") / "people.zip"
    return Path(synthesize("utdmhad", place, subjects=2, actions=["wave"]))


def test_a_preparation_that_reorders_joints_takes_those_of_its_raw_files(archive: Path, tmp_path: Path) -> None:
    store = prepare("utdmhad", raw=archive, out=tmp_path / "store")
    found = list(prepare_files(archive, preparation("utdmhad")))
    sequences = {each.name: each for each in found if isinstance(each, SkeletonSequence)}
    assert set(sequences) == set(store.names.tolist())
    for name, sequence in sequences.items():
        np.testing.assert_array_equal(sequence.joints, store[name].joints)


def test_joints_it_does_not_take_are_refused(archive: Path) -> None:
    with pytest.raises(DataError, match="joints are utd20, but this preparation takes ucla20"):
        list(prepare_files(archive, preparation("nwucla")))
