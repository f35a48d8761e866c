# SPDX-License-Identifier: Apache-2.0
"""Fresh interpreters are timed; one that fails is no number."""

from __future__ import annotations

import pytest

from bonefide.benchmark import startup
from bonefide.errors import InstallationError


def test_commands_are_timed_and_the_import_has_a_goal(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = {"import bonefide": iter([9.0, 0.1, 0.5, 0.2])}

    def fresh(what: str, code: str, *arguments: str) -> tuple[float, float]:
        taken = next(seconds[what]) if what in seconds else 0.4
        return 2 * taken, taken

    monkeypatch.setattr(startup, "_fresh", fresh)
    rows = startup.measure_startup(rounds=3).rows
    assert rows[0] == ("import bonefide", 0.4, 0.2, 0.3, True)
    assert rows[1] == ("bonefide --help", 0.8, 0.4, None, None)


def test_the_import_is_really_timed() -> None:
    wall, cpu = startup._fresh("import", startup._IMPORT)
    assert 0 < cpu <= wall + 1


def test_an_import_that_fails_is_an_error_of_the_installation() -> None:
    with pytest.raises(InstallationError, match=r"`it` fails here \(ValueError: lost\); see `bonefide doctor`"):
        startup._fresh("it", startup._TIMED + "raise ValueError('lost')")
