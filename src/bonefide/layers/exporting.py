# SPDX-License-Identifier: Apache-2.0
"""Whom a program is exported for: what is fast for one is slow for another, so layers may ask."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

import torch

__all__ = ["Target", "export_target", "exporting_for"]

Target = Literal["compiler", "floats", "integers"]
"""A compiler, which wants plain operations and shapes that do not depend on values; or ONNX Runtime on a CPU, which
computes what it is told, in float32 or, where that pays, in eight-bit integers."""

_TARGET: ContextVar[Target] = ContextVar("_TARGET", default="compiler")


@contextmanager
def exporting_for(target: Target) -> Iterator[None]:
    """Programs captured within are for this one; others are for a compiler.

    Example:
        >>> with exporting_for("floats"):
        ...     export_target() is None  # nothing is being captured
        True
    """
    before = _TARGET.set(target)
    try:
        yield
    finally:
        _TARGET.reset(before)


def export_target() -> Target | None:
    """Whom the program that is being captured is for; None if none is."""
    return _TARGET.get() if torch.compiler.is_exporting() else None
