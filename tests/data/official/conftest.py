# SPDX-License-Identifier: Apache-2.0
"""The files of these tests hold a few samples of large data sets, and the warning about that is tested elsewhere."""

from __future__ import annotations

import pytest


def pytest_itemcollected(item: pytest.Item) -> None:
    item.add_marker(pytest.mark.filterwarnings("ignore:.*is not the whole of"))
