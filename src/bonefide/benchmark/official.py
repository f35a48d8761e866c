# SPDX-License-Identifier: Apache-2.0
"""What the official encoders cost, in units of the official CTR-GCN."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["OFFICIAL", "OfficialCost"]


@dataclass(frozen=True)
class OfficialCost:
    """Cost of an official model, as a multiple of that of the official CTR-GCN.

    Measured with the official models in eager mode on PyTorch 2.13: one thread, batches of 4 clips of 3 x 64 x 25 x 2,
    60 classes, processor time, six interleaved rounds, medians; repeatable to about 5 %. Ratios hold on other machines
    much better than times.

    Args:
        train: forward, cross-entropy and backward, no optimiser.
        forward: without gradients.
    """

    train: float
    forward: float


OFFICIAL: dict[str, OfficialCost] = {
    "agcn": OfficialCost(1.13, 1.18),
    "blockgcn": OfficialCost(1.12, 1.23),
    "ctrgcn": OfficialCost(1.0, 1.0),
    "hcn": OfficialCost(0.13, 0.18),
    "hyperformer": OfficialCost(2.82, 3.15),
    # Its compiled operator runs on GPUs only; this is a transcription of it, 1.7 to 2.0 in separate runs.
    "shiftgcn": OfficialCost(1.74, 1.80),
    "stgcn": OfficialCost(1.01, 0.96),
}
