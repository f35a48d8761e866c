# SPDX-License-Identifier: Apache-2.0
"""A process that keeps what it frees asks the system for new pages once, not in every step."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from bonefide.training.memory import keep_freed_memory

STEPS = 20
MEGABYTES = 24
SCRIPT = f"""
import importlib.util, resource, sys
import numpy as np

spec = importlib.util.find_spec("bonefide.training.memory")
if sys.argv[1] == "keep":
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.keep_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range({STEPS}):
    # Two, since the threshold of glibc adapts to one that is freed alone.
    np.ones({MEGABYTES} * 2**18, np.float32), np.ones({MEGABYTES} * 2**18, np.float32)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def new_pages(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", SCRIPT, how], capture_output=True, text=True, check=True, timeout=60)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_pages_are_asked_for_once() -> None:
    assert new_pages("keep") < new_pages("as usual") / 5


def test_other_systems_say_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not keep_freed_memory()
