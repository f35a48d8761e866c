# SPDX-License-Identifier: Apache-2.0
"""Sequences that a network was trained with, as it is tested, to measure by what it computes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from bonefide.config.build import Experiment
from bonefide.data.loader import Samples, collate
from bonefide.errors import DataError
from bonefide.serving.network import Network
from bonefide.types import Array

__all__ = ["Calibration", "calibration"]

_BATCH = 16


@dataclass(frozen=True)
class Calibration:
    """Two disjoint sets of training sequences, in batches as a network's inputs.

    Args:
        measured: to measure ranges with.
        held: to compare on.
        sequences: number of the first.
    """

    measured: list[tuple[Tensor, ...]]
    held: list[tuple[Tensor, ...]]
    sequences: int

    @property
    def facts(self) -> dict[str, str]:
        """What a file says of it."""
        return {"precision": "int8", "calibration_sequences": str(self.sequences)}


def calibration(network: Network, data: Experiment, *, sequences: int, seed: int = 0) -> Calibration:
    """Choose training sequences at random, and read them through the chain of transforms that tests use.

    Only sequences that weights were fitted to are read: neither those of the test part, nor those of a validation part.

    Args:
        network: which inputs it takes.
        data: of its training.
        sequences: to measure with; as many again are held, half of all each where there are fewer.
        seed: of the choice.

    Raises:
        DataError: if there are fewer than two.
    """
    known = data.known
    if len(known) < 2:
        raise DataError("to calibrate, at least two training sequences are needed: one to measure, one to compare on")
    order = np.random.default_rng(seed).permutation(len(known))
    count = min(sequences, len(known) // 2)
    return Calibration(
        _batches(network, known, order[:count]), _batches(network, known, order[count : 2 * count]), count
    )


def _batches(network: Network, samples: Samples, chosen: Array) -> list[tuple[Tensor, ...]]:
    parts: Sequence[Array] = [chosen[start : start + _BATCH] for start in range(0, len(chosen), _BATCH)]
    return [network.given(collate([samples[place] for place in part.tolist()])) for part in parts]
