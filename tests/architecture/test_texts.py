# SPDX-License-Identifier: Apache-2.0
"""What stands between the lines of code: the licence, comments, and no machine's own paths."""

from __future__ import annotations

import io
import re
import tokenize
from pathlib import Path

import pytest
from source_tree import ROOT, python_files, relative

LICENCE = "# SPDX-License-Identifier: Apache-2.0"
FINDERS = {ROOT / "tests" / "conftest.py", Path(__file__).resolve()}
READ_BY_PEOPLE = ("README.md", "CONTRIBUTING.md", "CITATION.cff", "Makefile", "pyproject.toml")
WRITTEN = {".py", ".md", ".yaml", ".yml", ".toml", ".json", ".txt", ".html", ".jinja", ".css", ".js", ".cff", ""}
PLACES = {
    r"(?<![\w.:/-])/(?:work|home|root|Users|mnt)/\w": "an absolute path of one machine",
    r"\b[A-Z]:\\\\?Users\b": "an absolute path of one machine",
    r"\.\./shared\b|\bshared/(?:data|golden|golden_real|specs)\b": "the folder of optional real data",
}


def _written_files() -> list[Path]:
    found = [path for folder in ("src", "docs", "examples") for path in (ROOT / folder).rglob("*") if path.is_file()]
    found = [path for path in found if path.suffix in WRITTEN and "__pycache__" not in path.parts]
    found += [path for path in python_files("tests") if path not in FINDERS]
    return sorted(found) + [ROOT / name for name in READ_BY_PEOPLE if (ROOT / name).is_file()]


def _places(path: Path) -> list[str]:
    return [
        f"{relative(path)}:{number} mentions {what}: {line.strip()[:80]}"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for pattern, what in PLACES.items()
        if re.search(pattern, line)
    ]


@pytest.mark.parametrize("path", _written_files(), ids=relative)
def test_no_place_of_one_machine_is_mentioned(path: Path) -> None:
    assert not _places(path), "\n".join(_places(path))


@pytest.mark.parametrize(
    "text", ["see /work/main/x", "`/home/ada/data`", "../shared/data", "C:\\Users\\ada", "shared/golden"]
)
def test_places_are_seen(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.md").write_text(text, encoding="utf-8")
    assert _places(tmp_path / "a.md")


def test_addresses_are_no_places(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(
        "https://example.org/home/page, weights are shared between persons", encoding="utf-8"
    )
    assert not _places(tmp_path / "a.md")


def _comments(path: Path) -> list[tuple[int, str]]:
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline)
    return [(token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT]


def _faults(path: Path) -> list[str]:
    lines, place = path.read_text(encoding="utf-8").splitlines(), relative(path)
    found = [f"{place}: the first line must be exactly '{LICENCE}'"] if lines[:1] != [LICENCE] else []
    found += [
        f"{place}:{n} the licence stands once, on line 1"
        for n, line in enumerate(lines, 1)
        if n > 1 and line == LICENCE
    ]
    for number, comment in _comments(path):
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b(?!\(#\d+\))", comment):
            found.append(f"{place}:{number} do it, or write the number of an issue: TODO(#12)")
        if re.search(r"([-=*#_~])\1{3,}", comment):
            found.append(f"{place}:{number} no banners; a file that needs them wants splitting")
    return found


@pytest.mark.parametrize("path", python_files("src", "tests", "examples"), ids=relative)
def test_licence_and_comments(path: Path) -> None:
    assert not _faults(path), "\n".join(_faults(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "first line"),
        (f"{LICENCE}\n{LICENCE}\n", "stands once"),
        (f"{LICENCE}\nx = 1  # TODO later\n", "number of an issue"),
        (f"{LICENCE}\n# ------- part two\n", "no banners"),
    ],
)
def test_the_wall_stands(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "bad.py").write_text(text, encoding="utf-8")
    assert message in "\n".join(_faults(tmp_path / "bad.py"))
