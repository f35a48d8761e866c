# SPDX-License-Identifier: Apache-2.0
"""One test for every fixture in the folders asked for."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))


def _labels(paths: list[Path]) -> list[str]:
    """folder/stem, with the parent folder where two folders have the same name."""
    folders = {path.parent for path in paths}
    same = Counter(folder.name for folder in folders)
    return [
        "/".join([*([path.parent.parent.name] if same[path.parent.name] > 1 else []), path.parent.name, path.stem])
        for path in paths
    ]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrise whoever asks for `golden` by all fixtures found."""
    if "golden" not in metafunc.fixturenames:
        return
    from conftest_of_the_suite import suite
    from fixture import Fixture

    paths = [
        path.resolve() for folder in suite.golden_folders(metafunc.config) for path in sorted(folder.glob("*.npz"))
    ]
    fixtures = [Fixture(path, suite.archives(metafunc.config)) for path in paths]
    metafunc.parametrize("golden", fixtures, ids=_labels(paths))
