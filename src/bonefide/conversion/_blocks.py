# SPDX-License-Identifier: Apache-2.0
"""Networks of ten blocks, `l1.` to `l10.` in official files and `encoder.blocks.0.` to `encoder.blocks.9.` in ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from bonefide.conversion._keys import invert, rename
from bonefide.encoders._encoder import Encoder
from bonefide.errors import DataError
from bonefide.methods.supervised import Supervised

__all__ = ["BlockNames"]

_OURS = "encoder.blocks."
_PREFIXES = {f"l{block + 1}.": f"{_OURS}{block}." for block in range(10)}
"""Of the blocks: official to ours."""

State = dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class BlockNames:
    """Between official names and those of `Supervised` around one of our encoders.

    Args:
        paper: what the network is called, for messages.
        outside: official names of what belongs to no block, to ours; see `rename`.
        inside: the same within a block.
        small: makes our encoder, of whatever size: names do not depend on it.
    """

    paper: str
    outside: Mapping[str, str]
    inside: Mapping[str, str]
    small: Callable[[], Encoder]

    def to_ours(
        self, state: Mapping[str, Tensor], block: Callable[[State], State], *, rest: Callable[[State], State] = dict
    ) -> State:
        """Official weights under our names.

        Args:
            state: the official state dict, perhaps of a data-parallel wrapper, as some released files are.
            block: makes of what a block holds there what ours holds, still under official names; a `KeyError` of it is
                taken for a key that the file lacks.
            rest: the same for what belongs to no block.

        Raises:
            DataError: naming a key that is missing or has no place.
        """
        state = {key.removeprefix("module."): value for key, value in state.items()}
        ours: State = {}
        for theirs, prefix in _PREFIXES.items():
            inside = rename(self._made(block, _take(state, theirs), theirs), self.inside)
            ours |= {prefix + key: value for key, value in inside.items()}
        outside = {key: value for key, value in state.items() if not key.startswith(tuple(_PREFIXES))}
        ours |= rename(self._made(rest, outside, ""), self.outside)
        if missing := self.expected - ours.keys():
            raise self._missing(self.official_key(min(missing)))
        return ours

    def to_official(self, state: Mapping[str, Tensor], block: Callable[[State], State]) -> State:
        """Our weights under the official names.

        Args:
            state: ours.
            block: undoes that of `to_ours`.

        Raises:
            DataError: naming a key that is missing or has no place.
        """
        self.require(state)
        outside = {key: value for key, value in state.items() if not key.startswith(_OURS)}
        official = rename(outside, invert(self.outside))
        for prefix, ours in _PREFIXES.items():
            inside = block(rename(_take(state, ours), invert(self.inside)))
            official |= {prefix + key: value for key, value in inside.items()}
        return official

    def require(self, state: Mapping[str, Tensor]) -> None:
        """Refuse weights of ours that are not whole.

        Raises:
            DataError: naming a key that is missing.
        """
        if missing := self.expected - state.keys():
            raise DataError(f"weights: '{min(missing)}' is missing; are these of `Supervised` around {self.paper}?")

    def official_key(self, key: str) -> str:
        """The official name of one of ours."""
        for prefix, ours in _PREFIXES.items():
            if key.startswith(ours):
                return prefix + next(iter(rename({key.removeprefix(ours): None}, invert(self.inside))))
        return next(iter(rename({key: None}, invert(self.outside))))

    @cached_property
    def expected(self) -> frozenset[str]:
        """All names of ours."""
        # On the device "meta" nothing is allocated or drawn.
        with torch.device("meta"):
            return frozenset(Supervised(self.small(), 2).state_dict())

    def _made(self, make: Callable[[State], State], part: State, prefix: str) -> State:
        try:
            return make(part)
        except KeyError as absent:
            raise self._missing(f"{prefix}{absent.args[0]}") from None

    def _missing(self, key: str) -> DataError:
        return DataError(f"weights: '{key}' is missing; is this a file of {self.paper}?")


def _take(state: Mapping[str, Tensor], prefix: str) -> State:
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
