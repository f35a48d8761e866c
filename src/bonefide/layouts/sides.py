# SPDX-License-Identifier: Apache-2.0
"""Left and right in the names of joints, however they are spelt: `left_knee`, `kneeLeft`, `LKnee`, `knee.l`."""

from __future__ import annotations

import re

__all__ = ["name_of_twin", "sideless"]

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_OPPOSITE = {"left": "right", "right": "left", "l": "r", "r": "l"}
_SIDES = {"left": "left", "l": "left", "right": "right", "r": "right"}


def sideless(name: str) -> tuple[str, str]:
    """Side of a joint and its name without it, words in lower case joined by underscores.

    Returns:
        ("left", "knee") for all spellings above; the side is "" for a joint in the middle.
    """
    words = [word.lower() for word in _WORD.findall(name)]
    side = next((_SIDES[word] for word in words if word in _SIDES), "")
    return side, "_".join(word for word in words if word not in _SIDES)


def name_of_twin(name: str) -> str:
    """The name with left and right swapped, spelt as it was; the name itself if it has neither."""
    return _WORD.sub(lambda word: _swapped(word.group()), name)


def _swapped(word: str) -> str:
    other = _OPPOSITE.get(word.lower(), word)
    if word.isupper():
        return other.upper()
    return other.capitalize() if word[0].isupper() else other
