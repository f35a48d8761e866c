# SPDX-License-Identifier: Apache-2.0
"""What the README shows runs. A comment before a block opts out: `<!-- not run: why -->`, or `<!-- slow -->`."""

from __future__ import annotations

from pathlib import Path

import pytest
from readme_blocks import Block, blocks, run
from source_tree import ROOT

README = ROOT / "README.md"


def _shown() -> list[Block]:
    return [block for block in blocks(README.read_text(encoding="utf-8")) if not block.shown_only]


def test_readme_shows_code_that_runs(tmp_path: Path) -> None:
    fault = run([block for block in _shown() if not block.slow], tmp_path)
    assert not fault, f"README.md: {fault}"


@pytest.mark.slow
def test_readme_shows_training_that_runs(tmp_path: Path) -> None:
    fault = run(_shown(), tmp_path)
    assert not fault, f"README.md: {fault}"


def test_every_block_of_the_readme_names_its_language() -> None:
    nameless = [block.line for block in blocks(README.read_text(encoding="utf-8")) if not block.language]
    assert not nameless, f"README.md, lines {nameless}: write ```python, ```console or ```text"


TEXT = """
```python
x = 1
```

```python
open("out.txt", "w").write(str(x + 1))
```

```console
$ pip install bonefide
$ cat \\
  out.txt
2
```

<!-- not run: needs the recordings -->
```console
$ false
```

<!-- slow -->
```python
pass
```

```console
$ bonefide train ctrgcn/nwucla
```

```yaml
a: 1
```
"""


def test_blocks_are_read() -> None:
    found = blocks(TEXT)
    assert [(block.language, block.shown_only, block.slow) for block in found] == [
        ("python", False, False),
        ("python", False, False),
        ("console", False, False),
        ("console", True, False),
        ("python", False, True),
        ("console", False, True),
        ("yaml", True, False),
    ]
    assert found[0].line == 2
    assert found[2].commands() == ["cat    out.txt"]


def test_blocks_run_in_order_in_one_folder(tmp_path: Path) -> None:
    assert run(blocks(TEXT)[:3], tmp_path) == ""
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == "2"


@pytest.mark.parametrize(("language", "code"), [("python", "1 / 0"), ("console", "$ cat absent\n")])
def test_a_block_that_fails_is_seen(tmp_path: Path, language: str, code: str) -> None:
    assert "line 7 fails" in run([Block(language, code, "", 7)], tmp_path)
