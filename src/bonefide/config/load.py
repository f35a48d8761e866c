# SPDX-License-Identifier: Apache-2.0
"""From YAML to a checked recipe: read, extend once, override, expand runs; all faults are told at once."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from bonefide.config.components import component_faults
from bonefide.config.recipe import Component, Recipe
from bonefide.errors import RecipeError, UnknownNameError, did_you_mean

__all__ = ["dump", "names", "parse_overrides", "recipe", "recipe_digest", "setting_digest", "single_run"]

_BASE = "base"
_SUFFIXES = {".yaml", ".yml"}


def names() -> tuple[str, ...]:
    """All recipes that come with the package, as `paper/experiment`."""
    root = _root()
    files = (path.relative_to(root).with_suffix("") for path in root.rglob("*.yaml"))
    return tuple(sorted(file.as_posix() for file in files if not file.name.startswith(_BASE)))


def recipe(name: str | Path, *, set: Mapping[str, Any] | None = None) -> Recipe:
    """Load a recipe by name, or from a YAML file of one's own.

    Args:
        name: as in `names()`, or a path that ends in `.yaml`.
        set: path of a key to its new value, `{"data.batch_size": 32}`.

    Raises:
        UnknownNameError: if there is no such recipe.
        RecipeError: with everything that is wrong with it.

    Example:
        >>> recipe("ctrgcn/nwucla", set={"training.epochs": 3}).training.epochs
        3
    """
    content = _extended(name)
    _set_all(content, set or {}, str(name))
    content["name"] = Path(name).stem if Path(name).suffix else str(name)
    return _validated(content, str(name))


def single_run(whole: Recipe, run: str, *, seed: int | None = None) -> Recipe:
    """The recipe of one run: its settings applied, everything else kept.

    Args:
        whole: a recipe.
        run: one of its runs.
        seed: instead of the recipe's.

    Raises:
        UnknownNameError: if there is no such run.
        RecipeError: if the run's settings do not fit.
    """
    if run not in whole.runs:
        raise UnknownNameError("runs", run, whole.runs)
    content = whole.model_dump(mode="json")
    _set_all(content, whole.runs[run], f"run {run}")
    if seed is not None:
        content["training"]["seed"] = seed
    return _validated(content, f"run {run}")


def parse_overrides(settings: Iterable[str]) -> dict[str, Any]:
    """`key=value` of a command line, values read as YAML.

    Raises:
        RecipeError: for those that are not of this form.

    Example:
        >>> parse_overrides(["data.batch_size=32", "training.schedule={name: constant}"])
        {'data.batch_size': 32, 'training.schedule': {'name': 'constant'}}
    """
    parsed, faults = {}, []
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key.strip():
            faults.append(f"{setting}: expected key=value, as in training.epochs=10")
            continue
        try:
            parsed[key.strip()] = yaml.safe_load(value)
        except yaml.YAMLError:
            faults.append(f"{key}: '{value}' is not YAML")
    if faults:
        raise RecipeError(faults)
    return parsed


def dump(resolved: Recipe) -> str:
    """The recipe as YAML, every default written out."""
    return yaml.safe_dump(resolved.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=120)


def recipe_digest(resolved: Recipe) -> str:
    """Digest of what decides the numbers: everything but the published figures, the seed and the words."""
    content = resolved.model_dump(
        mode="json",
        include={"encoder": True, "method": True, "data": True, "training": True},
        exclude={"training": {"seed"}},
    )
    if resolved.data.images is None:
        # What came later must not change the digest of runs that know nothing of it.
        for key in ("images", "corrected"):
            del content["data"][key]
    if resolved.data.classes is None:
        for key in ("classes", "rehearsal", "texts"):
            del content["data"][key]
    if resolved.data.share == 1 or (resolved.data.share_by, resolved.data.share_seed) == ("sample", None):
        for key in ("share_by", "share_seed"):
            del content["data"][key]
    if content["training"]["schedule"].get("every", 0) is None:
        del content["training"]["schedule"]["every"]
    if not content["training"]["schedule"].get("starts_idle", True):
        del content["training"]["schedule"]["starts_idle"]
    if resolved.training.accumulate == 1:
        del content["training"]["accumulate"]
    if resolved.start_from is not None:
        # Where the weights lie decides nothing.
        content["start_from"] = resolved.start_from.model_dump(mode="json", exclude={"path"})
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def setting_digest(resolved: Recipe) -> str:
    """The same without the method: two methods are compared in equal settings where it is equal."""
    return recipe_digest(resolved.model_copy(update={"method": Component(name="any")}))


def _root() -> Path:
    return Path(str(resources.files("bonefide"))) / "recipes"


def _extended(name: str | Path) -> dict[str, Any]:
    content, file = _read(name)
    base = content.pop("extends", None)
    if base is None:
        return content
    if not isinstance(base, str):
        raise RecipeError([f"extends: expected the name of one recipe, got {base!r}"], source=str(name))
    beside = file.parent / (base if Path(base).suffix in _SUFFIXES else f"{base}.yaml")
    try:
        below, _ = _read(beside if beside.is_file() else base)
    except UnknownNameError as error:
        raise RecipeError([f"extends: {error}"], source=str(name)) from error
    if "extends" in below:
        raise RecipeError([f"extends: {base} itself extends another; one level is allowed"], source=str(name))
    merged = _merge(below, content)
    assert isinstance(merged, dict)
    return merged


def _read(name: str | Path) -> tuple[dict[str, Any], Path]:
    own = Path(name)
    if own.suffix in _SUFFIXES:
        if not own.is_file():
            raise UnknownNameError("recipe files", str(name), map(str, own.parent.glob("*.yaml")))
        file = own
    else:
        file = _root() / f"{name}.yaml"
        if not file.is_file() or not file.resolve().is_relative_to(_root().resolve()):
            raise UnknownNameError("recipes", str(name), names())
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecipeError([f"not YAML: {' '.join(str(error).split())}"], source=str(name)) from error
    if not isinstance(content, dict):
        raise RecipeError(["a recipe is a mapping of keys to values"], source=str(name))
    return content, file


def _merge(below: Any, above: Any) -> Any:
    """Mappings merge, all else is replaced; a mapping whose `name` changes starts afresh."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    if "name" in above and "name" in below and above["name"] != below["name"]:
        return above
    return {
        **below,
        **{key: _merge(below[key], value) if key in below else value for key, value in above.items()},
    }


def _set_all(content: dict[str, Any], settings: Mapping[str, Any], source: str) -> None:
    faults = [fault for path, value in settings.items() if (fault := _set(content, path, copy.deepcopy(value)))]
    if faults:
        raise RecipeError(faults, source=source)


def _set(content: Any, path: str, value: Any) -> str:
    """Set what lies at a path; numbers lead into lists. Says what is wrong, or nothing."""
    *parents, last = path.split(".")
    for place, key in enumerate(parents):
        if isinstance(content, list) and key.isdecimal() and int(key) < len(content):
            content = content[int(key)]
        elif isinstance(content, dict):
            content = content.setdefault(key, {})
        else:
            return f"{path}: nothing can be set below {'.'.join(parents[:place])}, which is {_kind(content)}"
    if isinstance(content, list) and last.isdecimal() and int(last) < len(content):
        content[int(last)] = _merge(content[int(last)], value)
    elif not isinstance(content, dict):
        return f"{path}: nothing can be set below {'.'.join(parents)}, which is {_kind(content)}"
    else:
        if last == "name" and parents and content.get(last, value) != value:
            content.clear()
        content[last] = _merge(content[last], value) if last in content else value
    return ""


def _kind(content: Any) -> str:
    return f"a list of {len(content)}, counted from 0" if isinstance(content, list) else repr(content)


def _validated(content: dict[str, Any], source: str) -> Recipe:
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        # Options of components are told with the rest, so that a user mends all at once.
        faults = [*map(_fault, error.errors()), *component_faults(content)]
        raise RecipeError(list(dict.fromkeys(faults)), source=source) from error


def _fault(error: Any) -> str:
    place = ".".join(map(str, _keys(error["loc"])))
    if error["type"] == "extra_forbidden":
        return f"{place}: not a key{did_you_mean(str(error['loc'][-1]), _known_keys(error['loc'][:-1]))}"
    if error["type"] in {"missing", "union_tag_not_found"}:
        return f"{place}{'.name' * (error['type'] != 'missing')}: is missing"
    if error["type"] == "union_tag_invalid":
        known = [name.strip(" '") for name in error["ctx"]["expected_tags"].split(",")]
        return f"{place}.name: no '{error['ctx']['tag']}'{did_you_mean(error['ctx']['tag'], known) or _list(known)}"
    message = error["msg"].removeprefix("Value error, ")
    given = "" if isinstance(error["input"], dict) else f", got {error['input']!r}"
    return f"{place}: {message[0].lower()}{message[1:]}{given}" if place else message


def _list(known: list[str]) -> str:
    return f"; there are: {', '.join(known)}"


def _keys(location: tuple[Any, ...]) -> tuple[Any, ...]:
    """The keys of a place in a recipe: without the names pydantic gives to the alternatives of a value."""
    if location[:2] == ("training", "freeze"):
        return location[:3]
    return location[:2] + location[3:] if location[:2] in _ALTERNATIVES else location


_ALTERNATIVES = {("training", "optimizer"), ("training", "schedule")}


def _known_keys(location: tuple[Any, ...]) -> list[str]:
    """Keys the model at that place knows."""
    schema: dict[str, Any] = Recipe.model_json_schema()
    definitions = schema.get("$defs", {})
    node: dict[str, Any] = schema
    for part in location:
        node = node.get("properties", {}).get(part, node.get("discriminator", {}).get("mapping", {}).get(part, node))
        node = {"$ref": node} if isinstance(node, str) else node
        reference = node.get("$ref") or next((each["$ref"] for each in node.get("anyOf", []) if "$ref" in each), None)
        node = definitions[reference.rsplit("/", 1)[1]] if reference else node
    return list(node.get("properties", {}))
