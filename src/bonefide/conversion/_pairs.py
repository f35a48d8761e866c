# SPDX-License-Identifier: Apache-2.0
"""Files of an encoder beside something small that reads its features, under beginnings nobody has written down."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from bonefide.conversion.shiftgcn import ShiftGCN
from bonefide.conversion.stgcn import STGCN
from bonefide.errors import DataError

__all__ = ["ENCODER_IGNORED", "encoder_from_official", "encoder_to_official", "without_prefix"]

_CLASSIFIER = ("fc.weight", "fc.bias")
_OUR_CLASSIFIER = ("head.weight", "head.bias")
ENCODER_IGNORED = (*STGCN.ignored, *ShiftGCN.ignored, *_CLASSIFIER)
"""Official keys of either encoder that are left out."""


def without_prefix(state: Mapping[str, Tensor], landmark: str) -> dict[str, Tensor]:
    """Keys without what stands before a part of them.

    Args:
        state: an official state dict.
        landmark: beginning of the names of a part, such as "adapter."; what stands before it there is removed from all
            keys that begin so.

    Raises:
        DataError: if different things stand before it.

    Example:
        >>> list(without_prefix({"model.adapter.bias": torch.zeros(1), "model.a": torch.zeros(1)}, "adapter."))
        ['adapter.bias', 'a']
    """
    before = {key.rpartition(landmark)[0] for key in state if landmark in key}
    prefixes = {prefix for prefix in before if not prefix or prefix.endswith(".")}
    if len(prefixes) > 1:
        raise DataError(
            f"weights: '{landmark}' stands behind {' and '.join(map(repr, sorted(prefixes)))}; which is it?"
        )
    prefix = next(iter(prefixes), "")
    return {key.removeprefix(prefix): value for key, value in state.items()}


def encoder_from_official(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """An ST-GCN or Shift-GCN under our names, `encoder.`; nothing of nothing. Their classifier is left out.

    Raises:
        DataError: naming a key that is missing or has no place.
    """
    if not state:
        return {}
    state = without_prefix(state, "data_bn.")
    if not any(key.endswith("gcn1.Linear_weight") for key in state):
        if classifier := sorted(key for key in state if key.startswith("fcn.")):
            raise DataError(f"weights: '{classifier[0]}' has no place in this model, which has no classes")
        return STGCN().from_official(state)
    ours = ShiftGCN().from_official(dict.fromkeys(_CLASSIFIER, torch.zeros(1)) | dict(state))
    return {key: value for key, value in ours.items() if key not in _OUR_CLASSIFIER}


def encoder_to_official(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Our names to the official ones, without what is ignored; nothing of nothing.

    Raises:
        DataError: naming a key that is missing or has no place.
    """
    if not state:
        return {}
    if not any(key.endswith("spatial.linear.weight") for key in state):
        return STGCN().to_official(state)
    official = ShiftGCN().to_official(dict.fromkeys(_OUR_CLASSIFIER, torch.zeros(1)) | dict(state))
    return {key: value for key, value in official.items() if key not in _CLASSIFIER}
