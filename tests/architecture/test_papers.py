# SPDX-License-Identifier: Apache-2.0
"""`papers.yaml` against the files and recipes of the package, both ways."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import papers_table
import pytest
import yaml
from source_tree import PACKAGE, public_files

Table = dict[str, Any]

KINDS = {"encoder", "method", "data set", "tool"}
OWED = {"name", "kind", "title", "venue", "year", "files", "status"}
KNOWN = OWED | {"authors", "arxiv", "doi", "repository", "unofficial", "commit", "recipes"}
NEED_A_PAPER = ("encoders", "methods", "data/datasets")


def _read(path: Path) -> Table:
    table: Table = yaml.safe_load(path.read_text(encoding="utf-8"))
    return table


TABLE = _read(PACKAGE / "papers.yaml")
PAPERS: dict[str, Table] = TABLE["papers"]


def _form_faults(key: str, paper: Table) -> Iterator[str]:
    missing, unknown = OWED - set(paper), set(paper) - KNOWN
    if missing:
        yield f"{key}: {sorted(missing)} missing"
    if unknown:
        yield f"{key}: {sorted(unknown)} are no keys; those known stand at the top of papers.yaml"
    if paper.get("kind") not in KINDS:
        yield f"{key}: kind must be one of {sorted(KINDS)}"
    if paper.get("status") not in {"built", "planned"}:
        yield f"{key}: status must be built or planned"
    if not re.fullmatch(r"[a-z0-9_]+", key):
        yield f"{key}: keys are written in lower-case letters, digits and underscores"
    patterns = {
        "arxiv": r"\d{4}\.\d{4,5}",
        "doi": r"10\.\d{4,}/\S+",
        "repository": r"[\w.-]+/[\w.-]+",
        "commit": r"[0-9a-f]{7,40}",
    }
    for field, pattern in patterns.items():
        if field in paper and not (isinstance(paper[field], str) and re.fullmatch(pattern, paper[field])):
            yield f"{key}: {field} {paper[field]!r} does not look like one (in quotes, if it reads as a number)"


def _existence_faults(key: str, paper: Table, package: Path) -> Iterator[str]:
    if paper["status"] == "planned":
        return
    for file in paper["files"]:
        if not (package / file).is_file():
            yield f"{key}: is built, but {file} is not there; correct papers.yaml, or write `status: planned`"
    if paper.get("recipes") and not list((package / "recipes" / key).glob("*.yaml")):
        yield f"{key}: is built, but there is no recipe recipes/{key}/*.yaml"


def _finished_faults(key: str, paper: Table, package: Path) -> Iterator[str]:
    recipes = not paper.get("recipes") or (package / "recipes" / key).is_dir()
    if paper["status"] == "planned" and recipes and all((package / file).is_file() for file in paper["files"]):
        yield f"{key}: everything it names is there; write `status: built`"


def _orphans(table: Table, package: Path) -> Iterator[str]:
    named = {file for paper in table["papers"].values() for file in paper["files"]} | set(table["without_paper"])
    for folder in NEED_A_PAPER:
        for path in public_files(folder, package):
            if f"{folder}/{path.name}" not in named:
                yield f"{folder}/{path.name}: name it in papers.yaml under its paper, or under without_paper and why"
    for path in sorted((package / "recipes").glob("*/")):
        paper = table["papers"].get(path.name, {})
        if not paper.get("recipes") and f"recipes/{path.name}" not in named:
            yield f"recipes/{path.name}: no paper of that key has `recipes: true`, and without_paper does not list it"


@pytest.mark.parametrize("key", PAPERS)
def test_entry_is_well_formed(key: str) -> None:
    faults = list(_form_faults(key, PAPERS[key]))
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("key", PAPERS)
def test_what_a_built_paper_names_exists(key: str) -> None:
    faults = [*_existence_faults(key, PAPERS[key], PACKAGE), *_finished_faults(key, PAPERS[key], PACKAGE)]
    assert not faults, "\n".join(faults)


def test_every_component_and_recipe_has_a_paper_or_a_reason() -> None:
    faults = list(_orphans(TABLE, PACKAGE))
    assert not faults, "\n".join(faults)


def test_reasons_are_given_and_only_two_parts_exist() -> None:
    assert set(TABLE) == {"papers", "without_paper"}
    assert all(isinstance(reason, str) and len(reason.split()) > 2 for reason in TABLE["without_paper"].values())


def _paper(**changes: object) -> Table:
    whole = {
        "name": "A",
        "kind": "encoder",
        "title": "A",
        "venue": "V",
        "year": 2020,
        "files": ["encoders/a.py"],
        "status": "built",
    }
    return {**whole, **changes}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "network"}, "kind must be"),
        ({"status": "done"}, "status must be"),
        ({"arxiv": 2107.1221}, "arxiv 2107.1221"),
        ({"commit": "main"}, "commit 'main'"),
        ({"paper": "x"}, "['paper'] are no keys"),
    ],
)
def test_malformed_entries_are_seen(changes: Table, message: str) -> None:
    assert message in "\n".join(_form_faults("a", _paper(**changes)))
    assert not list(_form_faults("a", _paper()))


def test_missing_keys_are_seen() -> None:
    assert "a: ['title'] missing" in list(_form_faults("a", {k: v for k, v in _paper().items() if k != "title"}))


def test_absent_files_and_recipes_are_seen(tmp_path: Path) -> None:
    faults = "\n".join(_existence_faults("a", _paper(recipes=True), tmp_path))
    assert "encoders/a.py is not there" in faults
    assert "no recipe recipes/a" in faults
    assert not list(_existence_faults("a", _paper(status="planned"), tmp_path))


def test_a_paper_whose_files_all_exist_is_built(tmp_path: Path) -> None:
    (tmp_path / "encoders").mkdir()
    (tmp_path / "encoders" / "a.py").touch()
    assert "write `status: built`" in "\n".join(_finished_faults("a", _paper(status="planned"), tmp_path))


def test_orphans_are_seen(tmp_path: Path) -> None:
    for folder in ("encoders", "recipes/mine", "recipes/a"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("a.py", "b.py", "_c.py"):
        (tmp_path / "encoders" / name).touch()
    table = {"papers": {"a": _paper(recipes=True)}, "without_paper": {}}
    assert [fault.split(":")[0] for fault in _orphans(table, tmp_path)] == ["encoders/b.py", "recipes/mine"]


def test_the_readme_lists_the_papers() -> None:
    assert papers_table.written() == papers_table.table(), "run: .venv/bin/python tests/architecture/papers_table.py"
