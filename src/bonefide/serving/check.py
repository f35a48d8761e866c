# SPDX-License-Identifier: Apache-2.0
"""Whether an exported network says what the network says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import cycle

import torch
from torch import Tensor

from bonefide.errors import BonefideError
from bonefide.serving.network import Network

__all__ = ["TOLERANCE", "Agreement", "Likeness", "check", "likeness"]

TOLERANCE = 1e-4
_SAMPLES = (1, 3, 2, 5)


@dataclass(frozen=True)
class Agreement:
    """How far two lie apart on some clips.

    Args:
        samples: in the batch.
        frames: of the clips.
        error: largest absolute difference of two logits, divided by the batch's largest absolute logit.
    """

    samples: int
    frames: int
    error: float


@dataclass(frozen=True)
class Likeness:
    """How a rounded network compares with the one it was made of.

    Args:
        sequences: compared.
        alike: share of them about which both decide alike, 0 to 1.
        error: largest absolute difference of two logits, divided by the largest absolute logit.
    """

    sequences: int
    alike: float
    error: float


def check(network: Network, exported: Callable[..., Tensor], *, what: str = "the exported network") -> list[Agreement]:
    """Compare on random clips of several lengths, in batches of several sizes.

    Args:
        network: what was exported.
        exported: from inputs to logits.
        what: for the message.

    Raises:
        BonefideError: if they differ by more than `TOLERANCE` of the largest logit.
    """
    lengths = list(network.lengths.some(network.frames))
    if not network.lengths.step:
        # Of the one length there is, batches of two sizes.
        lengths.append(network.frames)
    found = []
    for seed, (samples, frames) in enumerate(zip(cycle(_SAMPLES), lengths, strict=False)):
        inputs = network.inputs(samples, frames, seed=seed)
        expected = network.infer(*inputs)
        found.append(Agreement(samples, frames, _error(expected, exported(*inputs))))
    worst = max(found, key=lambda each: each.error)
    if not worst.error <= TOLERANCE:
        raise BonefideError(
            f"{what} differs from the network by {worst.error:.1e} of the largest logit for {worst.samples} clips of "
            f"{worst.frames} frames; at most {TOLERANCE:.0e} is allowed, so nothing is written"
        )
    return found


def likeness(network: Network, exported: Callable[..., Tensor], batches: Iterable[Sequence[Tensor]]) -> Likeness:
    """Compare decisions and logits.

    Args:
        network: what was exported.
        exported: from inputs to logits.
        batches: inputs, at least one batch.
    """
    pairs = [(network.infer(*inputs), exported(*inputs)) for inputs in batches]
    expected, got = (torch.cat(each) for each in zip(*pairs, strict=True))
    alike = (expected.argmax(dim=1) == got.argmax(dim=1)).double().mean()
    return Likeness(len(expected), float(alike), _error(expected, got))


def _error(expected: Tensor, got: Tensor) -> float:
    if expected.shape != got.shape:
        return float("inf")
    scale = float(expected.abs().max())
    difference = float((got - expected).abs().max())
    return difference / scale if scale else difference
