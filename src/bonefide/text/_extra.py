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
    """Turn a model that cannot be loaded into one clear sentence.

    Args:
        model: a folder, or a name at the Hugging Face hub.

    Raises:
        DataError: if the libraries inside give up.
    """
    try:
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
