# SPDX-License-Identifier: Apache-2.0
"""Some predictions to look at, and their sequences small enough to travel inside a page."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bonefide.layouts.view import front_view, sides
from bonefide.types import Array, Scores

if TYPE_CHECKING:
    from bonefide.data.store import SkeletonStore

__all__ = ["Prediction", "pack_sequences", "pick", "skeleton"]

_FRAMES = 48
_ROOM = 1_700_000
"""Characters all sequences of a page may take together."""
_ABSENT = -32768
_UNIT = 8000
"""Steps from the middle of the picture to its edge; far more than any screen shows, and four edges away still fit."""


@dataclass(frozen=True)
class Prediction:
    """One sample and what was said about it; probabilities are the softmax of the scores.

    Args:
        name: sample id.
        true: its class.
        predicted: the class with the highest score.
        probability: of the predicted class.
        true_probability: of the true class.
    """

    name: str
    true: int
    predicted: int
    probability: float
    true_probability: float

    @property
    def right(self) -> bool:
        """Whether it is."""
        return self.true == self.predicted


def pick(scores: Scores, *, among: set[str], wrong: int = 8, right: int = 4) -> list[Prediction]:
    """The surest wrong predictions, then right ones spread evenly from sure to doubtful.

    Args:
        scores: of a run.
        among: samples that can be shown.
        wrong: at most so many.
        right: at most so many.
    """
    probabilities = _softmax(scores.values)
    rows = np.arange(len(scores.names))
    predicted = scores.predictions
    sure, true = probabilities[rows, predicted], probabilities[rows, scores.labels]
    shown = np.array([str(name) in among for name in scores.names], dtype=bool)
    # Margins tell sure predictions apart where their probabilities are all 1 to the last digit.
    margin = np.sort(scores.values, axis=1)[:, -1] - scores.values[rows, scores.labels]
    ranked = np.lexsort((scores.names, -margin, -sure))
    wrong_rows = [row for row in ranked if shown[row] and predicted[row] != scores.labels[row]][:wrong]
    right_rows = [row for row in ranked if shown[row] and predicted[row] == scores.labels[row]]
    spread = np.unique(np.linspace(0, len(right_rows) - 1, min(right, len(right_rows))).round().astype(int))
    return [
        Prediction(
            str(scores.names[row]), int(scores.labels[row]), int(predicted[row]), float(sure[row]), float(true[row])
        )
        for row in [*wrong_rows, *(right_rows[place] for place in spread)]
    ]


def pack_sequences(store: SkeletonStore, names: list[str]) -> dict[str, dict[str, Any]]:
    """Sequences by name, as many of them as there is room for, first come first served.

    Each is seen from the front, thinned to few frames, rounded to 16 bits, without persons who never appear.

    Shape:
        the packed numbers: (M, T, V, 3) little-endian int16; the smallest is absent.
    """
    packed: dict[str, dict[str, Any]] = {}
    room = _ROOM
    for name in dict.fromkeys(names):
        stored = np.asarray(store[name].joints, dtype=np.float64)
        joints = front_view(stored, store.layout)
        joints = joints[~np.isnan(joints).all(axis=(1, 2, 3))]
        if not joints.size:
            continue
        frames = joints.shape[1]
        kept = np.unique(np.linspace(0, frames - 1, min(frames, _FRAMES)).round().astype(int))
        numbers = base64.b64encode(_rounded(joints[:, kept]).tobytes()).decode("ascii")
        room -= len(numbers)
        if room < 0:
            break
        flat = stored.shape[3] < 3
        packed[name] = {"persons": len(joints), "frames": len(kept), "of": frames, "flat": flat, "numbers": numbers}
    return packed


def skeleton(store: SkeletonStore) -> dict[str, Any]:
    """What a player needs to know of the layout."""
    layout = store.layout
    head = layout.joints.index("head") if "head" in layout.joints else None
    return {
        "bones": layout.edges(),
        "sides": sides(layout),
        "joints": len(layout.joints),
        "head": head,
        "unit": _UNIT,
    }


def _rounded(joints: Array) -> Array:
    scaled = np.clip(joints * _UNIT, -32767, 32767)
    return np.where(np.isnan(scaled), _ABSENT, np.rint(np.nan_to_num(scaled))).astype("<i2")


def _softmax(values: Array) -> Array:
    shifted = np.exp(values.astype(np.float64) - values.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))
