# SPDX-License-Identifier: Apache-2.0
"""Raw recordings to sequences, as the papers do; `prepare` does it for a whole data set."""

from __future__ import annotations

from bonefide.data._components import component_names
from bonefide.data.preparation._options import preparation
from bonefide.data.preparation._prepare import prepare

__all__ = ["names", "preparation", "prepare"]


def names() -> tuple[str, ...]:
    """Names of all preparations."""
    return component_names(__name__)
