# SPDX-License-Identifier: Apache-2.0
"""Lets tests that train import what they share, on one thread, so that results do not depend on the machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))

from tiny import tiny_store

from bonefide.data.store import SkeletonStore


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> SkeletonStore:
    return tiny_store(tmp_path_factory.mktemp("stores") / "tiny")
