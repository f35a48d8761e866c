# SPDX-License-Identifier: Apache-2.0
"""Weights of the official PGFA, there and back: an encoder and the adapter that projects its features."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from bonefide.conversion._keys import invert, rename
from bonefide.conversion._pairs import ENCODER_IGNORED, encoder_from_official, encoder_to_official, without_prefix
from bonefide.errors import DataError

__all__ = ["PGFA"]

_NAMES = {"adapter.{}": "head.{}"}
_ADAPTER = frozenset(("adapter.weight", "adapter.bias"))


class PGFA:
    """Between the official state dict and that of `methods.pgfa.PGFA` with its linear head, without its texts.

    The encoder is an ST-GCN or a Shift-GCN; what its keys begin with is not known, so any beginning is taken that all
    of them share. A classifier that a Shift-GCN there drags along is left out.

    Raises:
        DataError: from either way, naming a key that is missing or has no place.

    Reference:
        kaai520/PGFA, module/adapter.py, module/gcn/st_gcn.py and module/shift_gcn.py.
    """

    ignored: tuple[str, ...] = ENCODER_IGNORED
    """Official keys that carry nothing learned, or a classifier."""

    def from_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Official names to ours."""
        state = without_prefix(state, "adapter.")
        adapter = {key: value for key, value in state.items() if key.startswith("adapter.")}
        if missing := _ADAPTER - adapter.keys():
            raise DataError(f"weights: '{min(missing)}' is missing; is this a file of PGFA?")
        if strange := adapter.keys() - _ADAPTER:
            raise DataError(f"weights: '{min(strange)}' has no place in this model; is this a file of PGFA?")
        encoder = encoder_from_official({key: value for key, value in state.items() if key not in adapter})
        if not encoder:
            raise DataError("weights: 'data_bn.weight' is missing; an adapter alone recognises nothing")
        return rename(adapter, _NAMES) | encoder

    def to_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Our names to the official ones, the encoder's without any beginning."""
        head = {key: value for key, value in state.items() if not key.startswith(("encoder.", "texts."))}
        official = rename(head, invert(_NAMES))
        if missing := _ADAPTER - official.keys():
            raise DataError(f"weights: '{min(missing).replace('adapter', 'head')}' is missing; are these of `PGFA`?")
        encoder = {key: value for key, value in state.items() if key.startswith("encoder.")}
        if not encoder:
            raise DataError("weights: 'encoder.input_norm.norm.weight' is missing; are these of `PGFA`?")
        return official | encoder_to_official(encoder)
