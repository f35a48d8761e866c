# SPDX-License-Identifier: Apache-2.0
"""What the C library does with memory that a training frees and asks for again in every step."""

from __future__ import annotations

import ctypes
import sys

__all__ = ["keep_freed_memory", "return_freed_memory"]

# Numbers of glibc's <malloc.h>, which have no other home.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_GIGABYTE = 2**30
_MARGIN = 2**26
_SMALL = 2**16


def keep_freed_memory() -> bool:
    """Have this process keep the memory that it frees, up to a gigabyte, until it ends.

    Activations are freed and asked for in every step. By default glibc gives large ones back to the system, which
    clears each page anew: on a CPU that is up to a tenth of a step on few clips, and more than half of one on 64. What
    is computed does not change. On GPUs torch keeps memory itself.

    Returns:
        Whether the C library understands; only glibc does.
    """
    return _told({_MMAP_THRESHOLD: _GIGABYTE, _TRIM_THRESHOLD: _GIGABYTE, _TOP_PAD: _MARGIN})


def return_freed_memory() -> bool:
    """Have this process give back at once what it frees, and what it has kept, so that what is resident is in use.

    Returns:
        Whether the C library understands; only glibc does.
    """
    told = _told({_MMAP_THRESHOLD: _SMALL, _TRIM_THRESHOLD: _SMALL, _TOP_PAD: 0})
    if told:
        ctypes.CDLL(None).malloc_trim(0)
    return told


def _told(settings: dict[int, int]) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return all(mallopt(name, value) == 1 for name, value in settings.items())
