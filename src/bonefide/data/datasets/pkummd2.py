# SPDX-License-Identifier: Apache-2.0
"""PKU-MMD phase II: 1,009 long videos with little time between the actions, harder than phase I."""

from __future__ import annotations

from bonefide.data.datasets._info import DatasetInfo, Rule
from bonefide.data.datasets.pkummd1 import PKUMMD1

__all__ = ["PKUMMD2"]

PKUMMD2 = DatasetInfo(
    name="pkummd2",
    title="PKU-MMD phase II",
    # The labels are numbered as in phase I; not all of them occur.
    classes=PKUMMD1.classes,
    preparations={"pkummd": "pkummd_mamp"},
    protocols={"xsub": Rule("lists"), "xview": Rule("lists")},
    sequences=0,
    parts={},
    citation=(
        "Liu, Song, Liu, Li, Hu. A Benchmark Dataset and Comparison Study for Multi-modal Human Action Analytics. "
        "ACM Transactions on Multimedia Computing, Communications, and Applications 16(2), 2020."
    ),
    licence="academic research; asked for at its page, not to be redistributed by this package",
    homepage="https://www.icst.pku.edu.cn/struct/Projects/PKUMMD.html",
    # The reader's numbers of the videos AaaNnn: 10000 + 100 aa + nn.
    only=Rule("setup", frozenset(range(10_000, 20_000))),
    missing="pkummd2.txt",
)
