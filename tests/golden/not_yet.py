# SPDX-License-Identifier: Apache-2.0
"""Fixtures of parts that are not built yet: the one list. It shrinks with every part; nothing else excuses a fixture.

A line is dropped when its part is built: tests fail as soon as the file named beside it exists, as soon as a check
claims the fixtures, and when a line matches no known fixture.
"""

from __future__ import annotations

__all__ = ["ARRAYS", "FIXTURES"]

FIXTURES: dict[str, str] = {}
"""Beginning of a fixture's name to the file of the package that will be checked by it."""

ARRAYS: dict[str, dict[str, str]] = {}
"""Fixture to the beginnings of those of its arrays that its check leaves out, to the file they wait for."""
