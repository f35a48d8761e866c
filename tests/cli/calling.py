# SPDX-License-Identifier: Apache-2.0
"""Calls verbs as the command line does, in this process or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer
from click.testing import Result
from typer.testing import CliRunner

ROOT = Path(__file__).parents[2]
TRAINING = ROOT / "tests" / "training"


def call(verb: Callable[..., Any], *arguments: object, code: int = 0) -> Result:
    """A verb alone; the errors of bonefide come through as they are."""
    app = typer.Typer()
    app.command()(verb)
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def environment() -> dict[str, str]:
    """With the encoder of tests/training at hand, and one thread."""
    return {**os.environ, "PYTHONPATH": str(TRAINING), "OMP_NUM_THREADS": "1"}


def bonefide(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The whole program, as a user calls it."""
    command = [sys.executable, "-m", "bonefide.cli.main", *(str(each) for each in arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=120, check=False)
