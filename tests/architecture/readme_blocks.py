# SPDX-License-Identifier: Apache-2.0
"""The code a Markdown file shows, block by block, and how each is run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Block", "blocks", "run"]

RUNNABLE = {"python", "console", "bash", "shell", "sh"}
SETTING_UP = ("git ", "pip ", "python -m pip", "python -m venv", "python3 -m venv", "make", "cd ", "source ")
TRAINS = re.compile(r"bonefide (train|demo)\b|bonefide\.train\(|make demo")
FENCE = re.compile(r"(?:<!-- (?P<note>[^\n]*?) -->\n)?```(?P<language>\w*)\n(?P<code>.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Args:
        language: as written behind the fence.
        code: what stands in it.
        note: the HTML comment on the line before, such as "not run: needs NTU" or "slow".
        line: 1-based line of the fence.
    """

    language: str
    code: str
    note: str
    line: int

    @property
    def shown_only(self) -> bool:
        """Whether it is not meant to run: another language, or a note that says why not."""
        return self.language not in RUNNABLE or bool(re.match(r"not run: \w+", self.note))

    @property
    def slow(self) -> bool:
        """Whether it trains, or says that it is slow."""
        return self.note == "slow" or bool(TRAINS.search(self.code))

    def commands(self) -> list[str]:
        """Commands of a console block, without those that set up what a test runs in."""
        code = self.code.replace("\\\n", " ")
        prompted = [line[2:] for line in code.splitlines() if line.startswith("$ ")]
        lines = prompted or [line for line in code.splitlines() if line.strip() and not line.startswith("#")]
        return [line for line in lines if not line.startswith(SETTING_UP)]


def blocks(text: str) -> list[Block]:
    """All fenced blocks, in order."""
    return [
        Block(found["language"], found["code"], found["note"] or "", text.count("\n", 0, found.start()) + 1)
        for found in FENCE.finditer(text)
    ]


def run(shown: list[Block], folder: Path) -> str:
    """Run blocks one after the other in a folder; Python blocks share one program, console blocks one shell.

    Returns:
        what went wrong with the first that fails, or "".
    """
    earlier = ""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for block in shown:
        if block.language == "python":
            command = [sys.executable, "-c", earlier + block.code]
            earlier += block.code + "\n"
        else:
            command = ["bash", "-e", "-c", "\n".join(block.commands())]
        ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        if ended.returncode:
            return f"the block at line {block.line} fails:\n{block.code}\n{ended.stdout[-2000:]}{ended.stderr[-2000:]}"
    return ""
