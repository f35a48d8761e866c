# SPDX-License-Identifier: Apache-2.0
"""The README's table of papers, from papers.yaml. Run this file to write it anew."""

from __future__ import annotations

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
BEGIN, END = "<!-- papers -->\n", "<!-- end of papers -->\n"


def table() -> str:
    """Encoders and methods, in the order of the file."""
    content = yaml.safe_load((ROOT / "src" / "bonefide" / "papers.yaml").read_text(encoding="utf-8"))
    rows = ["| paper | | venue | here |", "|---|---|---|---|"]
    for paper in content["papers"].values():
        if paper["kind"] in {"encoder", "method"}:
            place = f"[{paper['arxiv']}](https://arxiv.org/abs/{paper['arxiv']})" if "arxiv" in paper else ""
            rows.append(f"| {paper['name']} | {place} | {paper['venue']} {paper['year']} | {paper['status']} |")
    return "\n".join(rows) + "\n"


def written() -> str:
    """What stands in the README."""
    return README.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    README.write_text(head + BEGIN + table() + END + rest.partition(END)[2], encoding="utf-8")
