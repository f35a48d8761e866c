# SPDX-License-Identifier: Apache-2.0
"""The command line: lists the verbs. Each is a file beside this one; what is heavy is imported when a verb runs."""

from __future__ import annotations

import errno
import importlib
import os
import sys

import typer
from rich.console import Console

from bonefide.errors import BonefideError, OutputError

__all__ = ["app", "main"]

# In the order of a user's way.
_VERBS = (
    "ls",
    "show",
    "synthesize",
    "prepare",
    "inspect",
    "describe",
    "embed",
    "draw",
    "train",
    "test",
    "ensemble",
    "compare",
    "report",
    "convert",
    "predict",
    "probe",
    "export",
    "bench",
    "doctor",
    "demo",
)
_UNWRITABLE = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.EEXIST,
    errno.EISDIR,
    errno.ENOTDIR,
    errno.ENAMETOOLONG,
}

app = typer.Typer(
    name="bonefide",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for _verb in _VERBS:
    app.command(_verb)(getattr(importlib.import_module(f"bonefide.cli.{_verb}"), _verb))


@app.callback()
def _root() -> None:
    """Skeleton-based action recognition: the field's methods, its data, and honest numbers.

    Exit codes: 0 done, 1 or 2 a mistake in what was asked, 3 missing or damaged data, 4 something cannot be written,
    5 something is wrong with the installation, 130 interrupted.
    """


def main() -> None:
    """Run a verb; a user's mistake is told in one sentence, without a traceback."""
    try:
        app()
    except BonefideError as error:
        _fail(error)
    except BrokenPipeError:
        # Whoever read the output has had enough; let the interpreter not complain about it on exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        _fail(OutputError(f"{error.filename or 'the output'} cannot be written: {error.strerror}"))


def _fail(error: BonefideError) -> None:
    Console(stderr=True).print(f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
