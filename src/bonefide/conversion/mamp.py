# SPDX-License-Identifier: Apache-2.0
"""Weights of the official MAMP: pre-training, of MAE too, linear evaluation and fine-tuning; there and back."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from bonefide.conversion import _masked

__all__ = ["MAMP"]


class MAMP:
    """Between the official state dicts and those of our methods around `MaskedTransformer`.

    What a file is of, its keys say: with a decoder it is of `MAMP` or `MAE`, whose weights are alike; with a head of
    `LinearProbe` or `Finetune`. The way back takes tokens to be of one joint and three coordinates.

    Raises:
        DataError: from either way, naming a key that is missing or has no place.

    Reference:
        maoyunyao/MAMP, commit 09e6252.
    """

    encoder = "masked_transformer"
    ignored: tuple[str, ...] = ()
    """Official keys that carry nothing learned; none here."""

    def from_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Official names to ours."""
        return _masked.to_ours(state, density=False)

    def to_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Our names to the official ones."""
        return _masked.to_official(state)
