# SPDX-License-Identifier: Apache-2.0
"""Looking around is quick: neither `import bonefide` nor `--help` nor `ls` imports what costs seconds."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

import pytest

HEAVY = ("torch", "lightning", "pyarrow")
LISTED = {
    "papers": "ctrgcn",
    "recipes": "ctrgcn/nwucla",
    "encoders": "ctrgcn",
    "methods": "supervised",
    "transforms": "crop_resize",
    "datasets": "ntu60",
    "layouts": "ntu25",
}
"""What `ls` lists to one of them."""

IMPORT_SECONDS = 0.3

RUN_A_VERB = """
import json, sys
from typer.testing import CliRunner
from bonefide.cli.main import app
result = CliRunner().invoke(app, sys.argv[1:])
loaded = sorted({name.split(".")[0] for name in sys.modules})
sys.stdout.write(json.dumps({"exit_code": result.exit_code, "output": result.output, "loaded": loaded}))
"""

TIME_THE_IMPORT = "import time; start = time.process_time(); import bonefide; print(time.process_time() - start)"


def _python(code: str, *arguments: str) -> str:
    ended = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def _faults(said: str, expected: str) -> list[str]:
    """What is wrong with a verb that has run: it failed, left out what it should say, or loaded a heavy package."""
    told = json.loads(said)
    heavy = [name for name in HEAVY if name in told["loaded"]]
    found = [f"ends with exit code {told['exit_code']}:\n{told['output']}"] if told["exit_code"] else []
    found += [] if expected in told["output"] else [f"does not say {expected}:\n{told['output']}"]
    return found + [f"imports {name}: import it inside the function that needs it" for name in heavy]


CALLS = [(["--help"], "ls"), *((["ls", what], expected) for what, expected in LISTED.items())]


@pytest.mark.parametrize(("arguments", "expected"), CALLS, ids=[" ".join(arguments) for arguments, _ in CALLS])
def test_looking_around_is_cheap(arguments: list[str], expected: str) -> None:
    faults = _faults(_python(RUN_A_VERB, *arguments), expected)
    assert not faults, f"`bonefide {' '.join(arguments)}` " + "\n".join(faults)


def test_faults_of_a_verb_are_seen() -> None:
    said = json.dumps({"exit_code": 2, "output": " ", "loaded": ["json", "torch"]})
    found = [fault.split(":")[0] for fault in _faults(said, "ctrgcn")]
    assert found == ["ends with exit code 2", "does not say ctrgcn", "imports torch"]


@pytest.mark.parametrize("package", HEAVY)
def test_import_leaves_heavy_packages_alone(package: str) -> None:
    loaded = json.loads(_python("import bonefide, json, sys; print(json.dumps(list(sys.modules)))"))
    assert package not in loaded, f"`import bonefide` imports {package}: give it out by __getattr__, on first use"


def test_import_is_quick() -> None:
    """Processor time inside the child, so that other work on the machine counts little; the median of five."""
    seconds = statistics.median(float(_python(TIME_THE_IMPORT)) for _ in range(5))
    assert seconds < IMPORT_SECONDS, (
        f"`import bonefide` takes {seconds:.2f} s of processor time, at most {IMPORT_SECONDS} are allowed; "
        "see where with `python -X importtime -c 'import bonefide'`"
    )
