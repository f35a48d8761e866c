# SPDX-License-Identifier: Apache-2.0
"""Imports modules in an interpreter of its own, so that what kills it does not kill `bonefide doctor`.

Run as a program with names of modules: tells on standard output, line by line, what it is about to import, how that
went, and in the end what torch says of itself.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

__all__ = ["MARK", "import_apart"]

MARK = "bonefide-probe "
"""Begins each line that is ours; packages may print what they like between."""


def import_apart(modules: Sequence[str], *, seconds: float = 180.0) -> tuple[dict[str, str], dict[str, Any]]:
    """Import modules, in their order, in a fresh interpreter.

    Args:
        modules: their names.
        seconds: after which it is given up.

    Returns:
        Each module to what went wrong with it, "" if nothing did; and what torch says of itself, if it was imported.
    """
    # -P: modules of the current folder are not what is installed.
    command = [sys.executable, "-P", "-m", "bonefide.cli._probe", *modules]
    try:
        ended = subprocess.run(command, capture_output=True, timeout=seconds, check=False)
        said, fate = ended.stdout, f"the interpreter dies (exit code {ended.returncode})"
    except subprocess.TimeoutExpired as late:
        said, fate = late.stdout or b"", f"does not end within {seconds:.0f} s"
    lines = said.decode(errors="replace").splitlines()
    told = [json.loads(line.removeprefix(MARK)) for line in lines if line.startswith(MARK)]
    faults = {each["module"]: each.get("fault", fate) for each in told if "module" in each}
    # What came after a death was not tried; it says so once, under the name of what died.
    return faults, next((each["torch"] for each in told if "torch" in each), {})


def _tell(fact: dict[str, Any]) -> None:
    sys.stdout.write(f"\n{MARK}{json.dumps(fact)}\n")
    sys.stdout.flush()


def _import(module: str) -> str:
    try:
        importlib.import_module(module)
    except Exception as error:  # a broken package may raise anything, and that is what is asked for
        return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    return ""


def _describe_torch() -> dict[str, Any]:
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    devices = [torch.cuda.get_device_properties(number) for number in range(count)]
    return {
        "version": torch.__version__,
        "cuda": torch.version.cuda,
        "hip": torch.version.hip,
        "devices": [[device.name, device.total_memory] for device in devices],
        "mps": torch.backends.mps.is_available(),
    }


def _main(modules: Sequence[str]) -> None:
    for module in modules:
        _tell({"module": module})
        _tell({"module": module, "fault": _import(module)})
    if "torch" in modules and "torch" in sys.modules:
        try:
            _tell({"torch": _describe_torch()})
        except Exception as error:  # as above: a driver and a torch that do not fit end in many ways
            _tell({"module": "torch", "fault": f"imported, but its devices cannot be listed: {error}"})
    # Some packages hang or crash while the interpreter shuts down, which says nothing about their import.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    _main(sys.argv[1:])
