# SPDX-License-Identifier: Apache-2.0
"""Every public name of the package. Run as a program, it rewrites the checked-in list."""

from __future__ import annotations

from pathlib import Path

from source_tree import PACKAGE, exported, parse

__all__ = ["COMMAND", "LIST", "surface"]

LIST = Path(__file__).with_name("public_names.txt")
COMMAND = ".venv/bin/python tests/architecture/public_surface.py"


def surface(package: Path = PACKAGE) -> list[str]:
    """`module.name` for every name in the `__all__` of every public module, sorted."""
    found = []
    for path in package.rglob("*.py"):
        parts = ["bonefide", *path.relative_to(package).with_suffix("").parts]
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if not any(part.startswith("_") for part in parts):
            found += [".".join([*parts, name]) for name in exported(parse(path)) or []]
    return sorted(found)


if __name__ == "__main__":
    LIST.write_text("\n".join(surface()) + "\n", encoding="utf-8")
