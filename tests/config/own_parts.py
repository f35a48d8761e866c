# SPDX-License-Identifier: Apache-2.0
"""Components from outside the package, as careless as users write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


class Loose:
    def __init__(self, *everything: Any, factor=2, steps: Sequence[int] = (), **more: Any) -> None:
        self.factor, self.steps, self.more = factor, steps, more


class Strict:
    def __init__(
        self, layout: object, size: int, *, keep: tuple[float, float] = (0.5, 1.0), mode: str | None = None
    ) -> None:
        self.layout, self.size, self.keep, self.mode = layout, size, keep, mode
