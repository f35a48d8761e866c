# SPDX-License-Identifier: Apache-2.0
"""Weights of the official STJD-MP: pre-training, linear evaluation and fine-tuning; there and back."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from bonefide.conversion import _masked

__all__ = ["STJDMP"]


class STJDMP:
    """Between the official state dicts and those of our methods around `MaskedTransformer`.

    What a file is of, its keys say: with a density of joints it is of `STJDMP`, with a head of `LinearProbe` or
    `Finetune`. The way back takes tokens to be of one joint and three coordinates.

    Raises:
        DataError: from either way, naming a key that is missing or has no place.

    Reference:
        ShanakaRG/STJD, commit 40b17a2. No trained files are published: the keys are those of the code.
    """

    encoder = "masked_transformer"
    ignored: tuple[str, ...] = ()
    """Official keys that carry nothing learned; none here."""

    def from_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Official names to ours."""
        return _masked.to_ours(state, density=True)

    def to_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Our names to the official ones."""
        return _masked.to_official(state)
