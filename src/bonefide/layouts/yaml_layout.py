# SPDX-License-Identifier: Apache-2.0
"""Layouts of one's own, written in YAML."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import yaml

from bonefide.errors import DataError, did_you_mean
from bonefide.layouts.anatomy import POINTS
from bonefide.layouts.layout import SkeletonLayout
from bonefide.layouts.sides import name_of_twin

__all__ = ["read_layout"]

_DEEPEST = 10
_LARGEST = 1 << 18
_MOST_JOINTS = 1000
_KEYS = ("name", "joints", "parts")
_JOINT_KEYS = ("name", "parent", "mirror", "anatomy")


def read_layout(path: str | os.PathLike[str]) -> SkeletonLayout:
    """Read a layout from a YAML file.

    Joints stand in the order of the data, each with its name and that of its parent; the root is its own parent.

    - `mirror` names the joint it becomes when left and right are swapped. By default it follows from the name
      (`knee_left`, `LKnee`, `knee.l`); a joint without such a twin stays.
    - `anatomy` says what the joint is, in the words of `bonefide.layouts.anatomy.POINTS`, where its name does not;
      only conversions to other layouts need it.
    - `parts` are groupings into body parts, lists of lists of names.

    ```yaml
    name: mine
    joints:
      - {name: hip, parent: hip}
      - {name: knee_left, parent: hip}
      - {name: knee_right, parent: hip}
    parts:
      sides: [[knee_left], [knee_right]]
    ```

    Args:
        path: of the file.

    Raises:
        DataError: if it cannot be read, is no YAML, or describes no layout; with the line where there is one.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "mine.yaml"
        >>> _ = file.write_text("{name: mine, joints: [{name: hip, parent: hip}, {name: knee_left, parent: hip}]}")
        >>> read_layout(file).parents
        (0, 0)
    """
    place = Path(path)
    try:
        content = place.read_bytes()
    except OSError as fault:
        raise DataError(f"no layout can be read from {place}: {fault.strerror or fault}") from None
    if len(content) > _LARGEST:
        raise DataError(f"{place} has {len(content)} bytes; a file that describes a layout has {_LARGEST} at most")
    try:
        text = content.decode("utf-8")
        _refuse_hostile(text, place)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        facts = yaml.safe_load(text)
    except UnicodeDecodeError:
        raise DataError(f"{place} is no text in UTF-8; write the layout as YAML") from None
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        raise DataError(f"{place}{line}: no YAML: {getattr(fault, 'problem', None) or fault}") from None
    except (RecursionError, ValueError) as fault:
        raise DataError(f"{place}: no YAML that describes a layout: {type(fault).__name__}") from None
    return _Reader(str(place), _lines(node)).layout(facts)


def _refuse_hostile(text: str, place: object) -> None:
    """Aliases make what a file describes larger than the file, and deep nesting takes the parser minutes."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise DataError(f"{place}: a layout has no aliases (*name); write every joint out")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise DataError(f"{place}: no YAML that describes a layout: lists or mappings within {_DEEPEST} others")


def _lines(node: yaml.Node | None) -> list[int]:
    """1-based line of every entry of `joints`."""
    if not isinstance(node, yaml.MappingNode):
        return []
    for key, value in node.value:
        if key.value == "joints" and isinstance(value, yaml.SequenceNode):
            return [entry.start_mark.line + 1 for entry in value.value]
    return []


@dataclass(frozen=True)
class _Reader:
    """Turns the facts of a file into a layout, and faults into errors that say where."""

    path: str
    lines: Sequence[int]

    def refuse(self, message: str, joint: int | None = None) -> NoReturn:
        line = f":{self.lines[joint]}" if joint is not None and joint < len(self.lines) else ""
        raise DataError(f"{self.path}{line}: {message}")

    def layout(self, facts: object) -> SkeletonLayout:
        if not isinstance(facts, dict) or not {"name", "joints"} <= set(facts):
            self.refuse("a layout is a mapping with `name` and `joints`, and `parts` if you like")
        self.check_keys(facts, _KEYS)
        name, joints = facts["name"], facts["joints"]
        if not isinstance(name, str) or not name:
            self.refuse(f"`name` must be a word, got {name!r}")
        if not isinstance(joints, list) or not 1 <= len(joints) <= _MOST_JOINTS:
            self.refuse(f"`joints` must be a list of 1 to {_MOST_JOINTS} entries such as {{name: knee, parent: hip}}")
        names = self.names(joints)
        places = {each: place for place, each in enumerate(names)}
        parents = [self.place(entry, "parent", places, joint) for joint, entry in enumerate(joints)]
        self.check_tree(names, parents)
        twins = [self.twin(entry, places, joint) for joint, entry in enumerate(joints)]
        for joint, twin in enumerate(twins):
            if twins[twin] != joint:
                self.refuse(
                    f"'{names[joint]}' mirrors to '{names[twin]}', but that to '{names[twins[twin]]}'; "
                    "give both the other as `mirror`",
                    joint,
                )
        parts, anatomy = self.parts(facts.get("parts") or {}, places), self.anatomy(joints, names)
        return SkeletonLayout(name, tuple(names), tuple(parents), tuple(twins), parts, anatomy)

    def names(self, joints: Sequence[Any]) -> list[str]:
        found: list[str] = []
        for joint, entry in enumerate(joints):
            if not isinstance(entry, dict) or not {"name", "parent"} <= set(entry):
                self.refuse(f"joint {joint} needs a name and a parent: {{name: knee, parent: hip}}", joint)
            self.check_keys(entry, _JOINT_KEYS, joint)
            name = entry["name"]
            if not isinstance(name, str) or not name:
                self.refuse(f"the name of joint {joint} must be text, got {name!r}; put it in quotes", joint)
            if name in found:
                self.refuse(f"there are two joints '{name}'; give each its own name", joint)
            found.append(name)
        return found

    def check_keys(self, facts: Mapping[Any, Any], known: Sequence[str], joint: int | None = None) -> None:
        for key in facts:
            if key not in known:
                guess = did_you_mean(str(key), known) or f"; there are: {', '.join(known)}"
                self.refuse(f"unknown key '{key}'{guess}", joint)

    def place(self, entry: Mapping[str, Any], key: str, places: Mapping[str, int], joint: int) -> int:
        """The joint that an entry's key names."""
        name = entry[key]
        if not isinstance(name, str) or name not in places:
            guess = did_you_mean(str(name), places)
            self.refuse(f"joint '{entry['name']}': its {key} '{name}' is no joint{guess}", joint)
        return places[name]

    def check_tree(self, names: Sequence[str], parents: Sequence[int]) -> None:
        roots = [joint for joint, parent in enumerate(parents) if joint == parent]
        if len(roots) > 1:
            others = ", ".join(f"'{names[root]}'" for root in roots)
            self.refuse(f"only one joint, the root, is its own parent, but {others} are", roots[1])
        reached = set(roots)
        for joint in range(len(names)):
            trail: list[int] = []
            above = joint
            while above not in reached and above not in trail:
                trail.append(above)
                above = parents[above]
            if above not in reached:
                self.refuse(f"'{names[joint]}' leads up in a circle, not to a root that is its own parent", joint)
            reached.update(trail)

    def twin(self, entry: Mapping[str, Any], places: Mapping[str, int], joint: int) -> int:
        if entry.get("mirror") is not None:
            return self.place(entry, "mirror", places, joint)
        return places.get(name_of_twin(entry["name"]), joint)

    def parts(self, parts: object, places: Mapping[str, int]) -> dict[str, tuple[tuple[int, ...], ...]]:
        if not isinstance(parts, dict):
            self.refuse("`parts` must be a mapping from a name to lists of joints")
        found = {}
        for name, groups in parts.items():
            if not isinstance(groups, list) or not all(isinstance(group, list) for group in groups):
                self.refuse(f"part '{name}' must be a list of lists of joints: [[knee_left], [knee_right]]")
            for joint in (joint for group in groups for joint in group):
                if not isinstance(joint, str) or joint not in places:
                    self.refuse(f"part '{name}': '{joint}' is no joint{did_you_mean(str(joint), places)}")
            found[str(name)] = tuple(tuple(places[joint] for joint in group) for group in groups)
        return found

    def anatomy(self, joints: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, str]:
        found = {}
        for joint, entry in enumerate(joints):
            point = entry.get("anatomy")
            if point is not None and point not in POINTS:
                guess = did_you_mean(str(point), POINTS) or f"; there are: {', '.join(sorted(POINTS))}"
                self.refuse(f"joint '{names[joint]}': no point '{point}' of the body{guess}", joint)
            if point is not None:
                found[names[joint]] = point
        return found
