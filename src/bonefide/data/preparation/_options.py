# SPDX-License-Identifier: Apache-2.0
"""A preparation by its name, with options that are checked before any data are read."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping

from pydantic import TypeAdapter, ValidationError

from bonefide.data._components import component
from bonefide.data.preparation._preparation import Preparation
from bonefide.data.store_info import Option
from bonefide.errors import DataError, UnknownNameError

__all__ = ["options_of", "preparation"]


def preparation(name: str, options: Mapping[str, Option] | None = None) -> Preparation:
    """A preparation with options.

    Args:
        name: of its file.
        options: fields that shall differ from their defaults.

    Raises:
        UnknownNameError: if there is no such preparation, or it has no such option.
        DataError: if an option's value is none it accepts.

    Example:
        >>> preparation("nwucla")
        NWUCLA()
    """
    made = component("bonefide.data.preparation", name, kind="preparations")
    known = [field.name for field in dataclasses.fields(made)]
    types = typing.get_type_hints(made)
    accepted = {}
    for option, value in (options or {}).items():
        if option not in known:
            raise UnknownNameError(f"options of {name}", option, known)
        try:
            accepted[option] = TypeAdapter(types[option]).validate_python(value, strict=True)
        except ValidationError as fault:
            message = fault.errors()[0]["msg"].lower()
            raise DataError(f"preparation {name}: {option}: {message}, got {value!r}") from None
    prepared: Preparation = made(**accepted)
    return prepared


def options_of(preparation: Preparation) -> dict[str, Option]:
    """All options, defaults included."""
    return {field.name: getattr(preparation, field.name) for field in dataclasses.fields(preparation)}  # type: ignore[arg-type]
