# SPDX-License-Identifier: Apache-2.0
"""Weights of the official ST-GCN and of the light one in SMIE and PGFA, there and back."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from bonefide.conversion._keys import invert, rename
from bonefide.errors import DataError

__all__ = ["STGCN"]

_BLOCKS = range(10)
_CONV = ("weight", "bias")
_NORM = (*_CONV, "running_mean", "running_var", "num_batches_tracked")
_NAMES = {
    "data_bn.{}": "encoder.input_norm.norm.{}",
    "edge_importance.{}": "encoder.blocks.{}.spatial.importance",
    "st_gcn_networks.{}.gcn.conv.{}": "encoder.blocks.{}.spatial.mix.{}",
    "st_gcn_networks.{}.tcn.0.{}": "encoder.blocks.{}.spatial_norm.{}",
    "st_gcn_networks.{}.tcn.2.{}": "encoder.blocks.{}.temporal.{}",
    "st_gcn_networks.{}.tcn.3.{}": "encoder.blocks.{}.temporal_norm.{}",
    "st_gcn_networks.{}.residual.{}.{}": "encoder.blocks.{}.residual.{}.{}",
    "fcn.{}": "head.{}",
}
_WRAPPERS = ("module.", "encoder.")


class STGCN:
    """Between the official state dict and that of `Supervised` around our `STGCN`.

    A file without classifier, as SMIE and PGFA write them, gives the encoder alone, still under `encoder.`; on the way
    back a head may be missing too. PGFA's files hold an adapter beside the encoder, which is left to the converter of
    PGFA.

    Raises:
        DataError: from either way, naming a key that is missing or has no place.

    Reference:
        yysijie/st-gcn, net/st_gcn.py; YujieOuO/SMIE and kaai520/PGFA, module/gcn/st_gcn.py.
    """

    encoder = "stgcn"
    ignored: tuple[str, ...] = ("A",)
    """Official keys that carry nothing learned: the graphs follow from the layout."""

    def from_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Official names to ours."""
        state = _unwrapped(state)
        ours = rename({key: value for key, value in state.items() if key not in self.ignored}, _NAMES)
        if missing := _expected(state) - state.keys():
            raise DataError(f"weights: '{min(missing)}' is missing; is this a file of ST-GCN?")
        if strange := state.keys() - _expected(state) - set(self.ignored):
            raise DataError(f"weights: '{min(strange)}' has no place in this model; is this a file of ST-GCN?")
        # The classifier is a convolution there.
        return {key: value.flatten(1) if key == "head.weight" else value for key, value in ours.items()}

    def to_official(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Our names to the official ones."""
        official = rename(state, invert(_NAMES))
        if missing := _expected(official) - official.keys():
            ours = next(iter(rename({min(missing): None}, _NAMES)))
            raise DataError(f"weights: '{ours}' is missing; are these of `Supervised` around ST-GCN?")
        return {key: value[..., None, None] if key == "fcn.weight" else value for key, value in official.items()}


def _unwrapped(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Without the names of what the network was part of: a data-parallel wrapper, PGFA's pair."""
    state = dict(state)
    if any(key.startswith("encoder.") for key in state):
        state = {key: value for key, value in state.items() if not key.startswith("adapter.")}
    for wrapper in _WRAPPERS:
        state = {key.removeprefix(wrapper): value for key, value in state.items()}
    return state


def _expected(state: Mapping[str, Tensor]) -> set[str]:
    """The keys of a network of these widths."""
    expected = {f"data_bn.{kind}" for kind in _NORM}
    if any(key.startswith("fcn.") for key in state):
        expected |= {f"fcn.{kind}" for kind in _CONV}
    for block in _BLOCKS:
        prefix = f"st_gcn_networks.{block}."
        expected |= {
            f"edge_importance.{block}",
            *(f"{prefix}{name}.{kind}" for name in ("gcn.conv", "tcn.2") for kind in _CONV),
        }
        expected |= {f"{prefix}{name}.{kind}" for name in ("tcn.0", "tcn.3") for kind in _NORM}
        if block > 0 and _changes(state, prefix):
            expected |= {f"{prefix}residual.0.{kind}" for kind in _CONV}
            expected |= {f"{prefix}residual.1.{kind}" for kind in _NORM}
    return expected


def _changes(state: Mapping[str, Tensor], prefix: str) -> bool:
    """Whether a block has other channels than the one before, or halves time: then its residual is learned."""
    into, out = state.get(f"{prefix}gcn.conv.weight"), state.get(f"{prefix}tcn.2.weight")
    if into is None or out is None:
        return False
    return prefix.split(".")[1] in {"4", "7"} or into.shape[1] != len(out)
