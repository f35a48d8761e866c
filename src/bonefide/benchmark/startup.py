# SPDX-License-Identifier: Apache-2.0
"""How long it takes until something is there: fresh interpreters, one after the other."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

from bonefide.benchmark.table import Table
from bonefide.errors import InstallationError

__all__ = ["IMPORT_GOAL", "measure_startup"]

IMPORT_GOAL = 0.3
"""Seconds `import bonefide` may take at most."""
_HOW = (
    "Each line in fresh interpreters, in turn, medians. The import is timed inside the interpreter, the commands from "
    "the interpreter's first line to its end, without starting Python itself. The goal is judged by processor time."
)
_TIMED = """
import atexit, json, sys, time
wall, cpu = time.perf_counter(), time.process_time()
def _said():
    sys.stderr.write("\\n" + json.dumps([time.perf_counter() - wall, time.process_time() - cpu]) + "\\n")
atexit.register(_said)
"""
_IMPORT = _TIMED + "import bonefide"
_COMMAND = _TIMED + "from bonefide.cli.main import main; main()"


def measure_startup(*, rounds: int) -> Table:
    """Time the import of the package and of commands that only look around.

    Args:
        rounds: fresh interpreters a line, at least 1.

    Raises:
        InstallationError: if one of them fails.
    """
    lines: dict[str, tuple[str, ...]] = {
        "import bonefide": (_IMPORT,),
        "bonefide --help": (_COMMAND, "--help"),
        "bonefide ls recipes": (_COMMAND, "ls", "recipes"),
    }
    taken: dict[str, list[tuple[float, float]]] = {what: [] for what in lines}
    for number in range(rounds + 1):
        for what, (code, *arguments) in lines.items():
            seconds = _fresh(what, code, *arguments)
            # The first round only fills the caches of the disk.
            if number:
                taken[what].append(seconds)
    rows = []
    for what, seconds_of in taken.items():
        wall, cpu = (statistics.median(column) for column in zip(*seconds_of, strict=True))
        goal = IMPORT_GOAL if what.startswith("import") else None
        rows.append((what, wall, cpu, goal, None if goal is None else cpu < goal))
    return Table("startup", "Starting", _HOW, ("what", "wall_s", "cpu_s", "goal_s", "met"), tuple(rows))


def _fresh(what: str, code: str, *arguments: str) -> tuple[float, float]:
    ended = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    if ended.returncode:
        said = [line for line in ended.stderr.splitlines() if line.strip() and not line.startswith("[")]
        reason = said[-1] if said else f"it ends with {ended.returncode} and says nothing"
        raise InstallationError(f"`{what}` fails here ({reason}); see `bonefide doctor`")
    wall, cpu = json.loads(ended.stderr.strip().splitlines()[-1])
    return wall, cpu
