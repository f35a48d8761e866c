# SPDX-License-Identifier: Apache-2.0
"""What text encoders need beyond the core: how the lack of it, or of a model, is said, and which versions there are."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from bonefide.errors import DataError, InstallationError

__all__ = ["loading", "needing", "versions"]


@contextlib.contextmanager
def needing(what: str) -> Iterator[None]:
    """Turn a missing package into one clear sentence.

    Args:
        what: needs the extra.

    Raises:
        InstallationError: if an import inside fails.
    """
    try:
        yield
    except ImportError as fault:
        name = fault.name or str(fault)
        raise InstallationError(f"{what} needs {name}: pip install 'bonefide[text]'") from fault


@contextlib.contextmanager
def loading(model: str) -> Iterator[None]:
    """Turn a model that cannot be loaded into one clear sentence; what the libraries tell meanwhile is left out.

    Args:
        model: a folder, or a name at the Hugging Face hub.

    Raises:
        DataError: if the libraries inside give up.
    """
    try:
        with _silence():
            yield
    except (OSError, ValueError, KeyError) as fault:
        reason = " ".join(str(fault).split()) or type(fault).__name__
        where = (
            "give a folder that holds a model"
            if Path(model).exists()
            else "give a folder, or a name of the Hugging Face hub and a network to reach it by"
        )
        raise DataError(f"text encoder '{model}' cannot be loaded ({reason[:300]}); {where}") from fault


def versions(*distributions: str) -> str:
    """Installed versions in words.

    Example:
        >>> versions("numpy").split()[0]
        'numpy'
    """
    return ", ".join(f"{name} {metadata.version(name)}" for name in distributions)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    from transformers.utils import logging  # noqa: PLC0415  # seconds, and an extra

    verbosity, shown = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if shown:
            logging.enable_progress_bar()
