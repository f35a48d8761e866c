# SPDX-License-Identifier: Apache-2.0
"""The whole program: exit codes that mean something, one sentence on what is wrong, never a traceback."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from calling import bonefide, environment

from bonefide.cli import main as program
from bonefide.errors import BonefideError, RunError


def test_help_lists_the_verbs_and_says_what_exit_codes_mean() -> None:
    said = bonefide("--help")
    assert said.returncode == 0
    assert all(f" {verb} " in said.stdout for verb in ("train", "test", "report", "doctor", "demo"))
    assert "130 interrupted" in " ".join(said.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("trian",), 2, "trian"),
        (("ls", "recipe"), 2, "error: things to list: no 'recipe'; did you mean 'recipes'?"),
        (("show", "ctrgcn/nwulca"), 2, "error: recipes: no 'ctrgcn/nwulca'; did you mean 'ctrgcn/nwucla'?"),
        (("train", "ctrgcn/nwucla", "--store", "nowhere"), 3, "error: "),
        (("test", "nowhere"), 3, "error: nowhere: no run at or below this place"),
    ],
)
def test_mistakes_are_told_in_one_sentence(arguments: tuple[str, ...], code: int, said: str) -> None:
    done = bonefide(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    if done.stderr.startswith("error: "):
        assert done.stderr.count("\n") == 1, done.stderr


def raising(error: BaseException) -> typer.Typer:
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    def verb() -> None:
        raise error

    return app


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (BonefideError("something [bold]odd[/bold]"), 1, "error: something [bold]odd[/bold]\n"),
        (RunError("no run here"), 3, "error: no run here\n"),
        (
            OSError(errno.ENOSPC, "No space left on device", "x"),
            4,
            "error: x cannot be written: No space left on device\n",
        ),
        (
            NotADirectoryError(errno.ENOTDIR, "Not a directory", "a/b"),
            4,
            "error: a/b cannot be written: Not a directory\n",
        ),
        (KeyboardInterrupt(), 130, ""),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, BaseException) else None,
)
def test_errors_and_their_codes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, said: str
) -> None:
    monkeypatch.setattr(program, "app", raising(error))
    monkeypatch.setattr(sys, "argv", ["bonefide"])
    with pytest.raises(SystemExit) as caught:
        program.main()
    assert caught.value.code == code
    assert capsys.readouterr().err == said


def test_our_own_mistakes_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    for error in (ZeroDivisionError("ours"), OSError(errno.EIO, "broken")):
        monkeypatch.setattr(program, "app", raising(error))
        monkeypatch.setattr(sys, "argv", ["bonefide"])
        with pytest.raises(type(error)):
            program.main()


def test_a_reader_that_has_had_enough(tmp_path: Path) -> None:
    command = f"{sys.executable} -m bonefide.cli.main ls papers --json | head -n 1"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, env=environment(), timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("{\n", "")
