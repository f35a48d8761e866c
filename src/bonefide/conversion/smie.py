# SPDX-License-Identifier: Apache-2.0
"""Weights of the official SMIE, there and back: the estimator, with or without the encoder it was trained on."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from bonefide.conversion._keys import invert, rename
from bonefide.conversion._pairs import ENCODER_IGNORED, encoder_from_official, encoder_to_official, without_prefix
from bonefide.errors import DataError

__all__ = ["SMIE"]

_NAMES = {f"global_D.l{layer}.{{}}": f"estimator.l{layer}.{{}}" for layer in range(3)}
_ESTIMATOR = frozenset(f"global_D.l{layer}.{kind}" for layer in range(3) for kind in ("weight", "bias"))


class SMIE:
    """Between the official state dict and that of `methods.smie.SMIE`, without its texts.

    The estimator's first layer reads the features first and then the text, as ours does. Official files hold it alone,
    the encoder being a file of its own; keys of an ST-GCN or Shift-GCN beside it are taken too.

    Raises:
        DataError: from either way, naming a key that is missing or has no place.

    Reference:
        YujieOuO/SMIE, model.py.
    """

    ignored: tuple[str, ...] = ENCODER_IGNORED
    """Official keys that carry nothing learned, or a classifier."""

    def from_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Official names to ours."""
        state = without_prefix(state, "global_D.")
        estimator = {key: value for key, value in state.items() if key.startswith("global_D.")}
        if missing := _ESTIMATOR - estimator.keys():
            raise DataError(f"weights: '{min(missing)}' is missing; is this a file of SMIE?")
        ours = rename(estimator, _NAMES)
        return ours | encoder_from_official({key: value for key, value in state.items() if key not in estimator})

    def to_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Our names to the official ones."""
        estimator = {key: value for key, value in state.items() if not key.startswith(("encoder.", "texts."))}
        official = rename(estimator, invert(_NAMES))
        if missing := _ESTIMATOR - official.keys():
            ours = next(iter(rename({min(missing): None}, _NAMES)))
            raise DataError(f"weights: '{ours}' is missing; are these of `SMIE`?")
        return official | encoder_to_official(
            {key: value for key, value in state.items() if key.startswith("encoder.")}
        )
