# SPDX-License-Identifier: Apache-2.0
"""From a name to a file to a class: the only place where names become modules; options are checked, not guessed."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from bonefide.config.recipe import Component, Recipe
from bonefide.errors import BonefideError, RecipeError, UnknownNameError, did_you_mean

__all__ = ["GIVEN", "asks_for", "check_recipe", "component", "component_faults", "create", "names"]

Folder = Literal["encoders", "methods", "transforms"]

GIVEN = frozenset(
    {
        "layout",
        "in_channels",
        "encoder",
        "num_classes",
        "frames",
        "images",
        "persons",
        "texts",
        "classes",
        "exemplars",
        "train_labels",
        "stream",
    }
)
"""Constructor parameters the engine fills by name, unless the recipe does; everything else is the recipe's."""
_GIVEN_TO_TRANSFORMS = frozenset({"layout", "stream"})


def names(folder: Folder) -> tuple[str, ...]:
    """The components of a folder: its public files."""
    path = Path(__file__).parent.parent / folder
    return tuple(sorted(module.name for module in pkgutil.iter_modules([str(path)]) if module.name[0] != "_"))


def component(folder: Folder, name: str) -> Callable[..., Any]:
    """The class a name stands for.

    Args:
        folder: where to look.
        name: a file of that folder, or `package.module:Class` for one of one's own.

    Raises:
        UnknownNameError: if there is no such file.
        BonefideError: if one's own module or class cannot be imported.

    Example:
        >>> component("transforms", "modality").__name__
        'Modality'
    """
    if ":" in name:
        module_name, _, attribute = name.partition(":")
        try:
            found = getattr(importlib.import_module(module_name), attribute)
        except (ImportError, AttributeError, ValueError) as error:
            raise BonefideError(
                f"{folder}: cannot import '{name}': {error}; install its package or put its folder on PYTHONPATH"
            ) from error
    else:
        if name not in names(folder):
            raise UnknownNameError(folder, name, names(folder))
        module = importlib.import_module(f"bonefide.{folder}.{name}")
        found = getattr(module, module.__all__[0])
    return typing.cast(Callable[..., Any], found)


def create(folder: Folder, asked: Component, given: Mapping[str, Any]) -> Any:
    """Build a component.

    Args:
        folder: where it is.
        asked: its name and options.
        given: what the engine has; only what the constructor asks for, and the options leave open, is passed.

    Raises:
        BonefideError: if there is no such component.
        RecipeError: if the options do not fit.
    """
    made = component(folder, asked.name)
    faults = _faults(folder, asked)
    if faults:
        raise RecipeError(faults)
    parameters = _parameters(made)
    options = {key: _validated(made, parameters[key], value) for key, value in asked.options.items()}
    filled = {key: value for key, value in given.items() if key in parameters and key not in options}
    return made(**filled, **options)


def asks_for(folder: Folder, name: str, parameter: str) -> bool:
    """Whether the constructor of a component takes something of that name.

    Example:
        >>> asks_for("methods", "supervised", "encoder"), asks_for("methods", "supervised", "texts")
        (True, False)
    """
    return parameter in _parameters(component(folder, name))


def check_recipe(whole: Recipe) -> None:
    """Check the options of every component of a recipe against its constructor, before any data are read.

    Raises:
        RecipeError: with all faults.
    """
    faults = component_faults(whole.model_dump()) or _image_faults(whole)
    if faults:
        raise RecipeError(faults, source=whole.name)


def component_faults(content: Mapping[str, Any]) -> list[str]:
    """What is wrong with the components of a recipe, be its other keys right or not.

    Args:
        content: a recipe as mappings and lists; what is no component there is passed over.
    """
    data = content.get("data")
    chains = [data.get(part) for part in ("train", "test")] if isinstance(data, Mapping) else []
    asked: list[tuple[Folder, Any]] = [("encoders", content.get("encoder")), ("methods", content.get("method"))]
    asked += [("transforms", each) for chain in chains if isinstance(chain, list | tuple) for each in chain]
    faults: list[str] = []
    for folder, each in asked:
        if isinstance(each, Mapping) and {str} == {*map(type, each), type(each.get("name"))}:
            faults += _faults(folder, Component(**each))
    return list(dict.fromkeys(faults))


def _image_faults(whole: Recipe) -> list[str]:
    name = whole.encoder.name
    reads_images = bool(getattr(component("encoders", name), "reads_images", False))
    if reads_images and whole.data.images is None:
        return [f"data.images: is missing; {name} reads images of descriptors: name some, as in [gd, jdd]"]
    if whole.data.images is not None and not reads_images:
        return [f"data.images: {name} reads clips, not images; leave them out"]
    return []


def _faults(folder: Folder, asked: Component) -> list[str]:
    try:
        made = component(folder, asked.name)
    except BonefideError as error:
        return [str(error)]
    place = f"{folder}.{asked.name}"
    parameters = _parameters(made)
    given = _GIVEN_TO_TRANSFORMS if folder == "transforms" else GIVEN
    own = [name for name in parameters if name not in given]
    faults = []
    for key, value in asked.options.items():
        if key not in parameters:
            faults.append(f"{place}.{key}: not an option{did_you_mean(key, own)}")
            continue
        try:
            _validated(made, parameters[key], value)
        except ValidationError as error:
            first = error.errors()[0]
            faults.append(f"{place}.{key}: {first['msg'][0].lower()}{first['msg'][1:]}, got {first['input']!r}")
    for name in own:
        if parameters[name].default is inspect.Parameter.empty and name not in asked.options:
            faults.append(f"{place}.{name}: is missing")
    return faults


def _parameters(made: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """What can be given by name."""
    by_name = {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}
    return {name: each for name, each in inspect.signature(made).parameters.items() if each.kind in by_name}


def _validated(made: Callable[..., Any], parameter: inspect.Parameter, value: Any) -> Any:
    """The value as the parameter's annotation wants it: a YAML list becomes a tuple, an integer a float."""
    annotation = parameter.annotation
    if isinstance(annotation, str):
        module = inspect.getmodule(made)
        try:
            annotation = eval(annotation, vars(module) if module else {})
        except NameError:
            # Imported for type checkers only, in a file that is not ours.
            annotation = inspect.Parameter.empty
    if annotation is inspect.Parameter.empty:
        return value
    try:
        adapter = TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True))
    except PydanticUserError:
        adapter = TypeAdapter(annotation)
    return adapter.validate_python(value)
