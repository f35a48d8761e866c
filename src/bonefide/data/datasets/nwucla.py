# SPDX-License-Identifier: Apache-2.0
"""Northwestern-UCLA Multiview Action 3D: 10 everyday actions, 10 people, three views."""

from __future__ import annotations

from bonefide.data.datasets._info import DatasetInfo, Rule

__all__ = ["NWUCLA"]

NWUCLA = DatasetInfo(
    name="nwucla",
    title="Northwestern-UCLA Multiview Action 3D",
    classes=(
        "pick up with one hand",
        "pick up with two hands",
        "drop trash",
        "walk around",
        "sit down",
        "stand up",
        "donning",
        "doffing",
        "throw",
        "carry",
    ),
    preparations={"nwucla": "nwucla"},
    protocols={"xview": Rule("camera", frozenset({1, 2}), order="nwucla_xview.json")},
    sequences=1484,
    parts={"xview": (1020, 464)},
    citation="Wang, Nie, Xia, Wu, Zhu. Cross-view Action Modeling, Learning and Recognition. CVPR 2014.",
    licence="free for research; not to be redistributed by this package",
    homepage="https://wangjiangb.github.io/my_data.html",
)
