# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from bonefide.errors import DataError, InstallationError
from bonefide.text._extra import loading, needing, versions


def test_libraries_are_silent_while_a_model_loads_and_speak_again_afterwards() -> None:
    logging = pytest.importorskip("transformers").utils.logging
    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    with loading("there"):
        assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == (logging.ERROR, False)
    with pytest.raises(DataError, match=r"'there' cannot be loaded \(KeyError\)"), loading("there"):
        raise KeyError
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before


def test_a_missing_package_is_named() -> None:
    with pytest.raises(InstallationError, match="it needs one: pip install"), needing("it"):
        raise ImportError("no module", name="one")


def test_versions_are_those_installed() -> None:
    import numpy as np

    assert versions("numpy") == f"numpy {np.__version__}"
