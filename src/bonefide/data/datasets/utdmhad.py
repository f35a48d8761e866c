# SPDX-License-Identifier: Apache-2.0
"""UTD-MHAD: 27 actions, 8 people, four repetitions."""

from __future__ import annotations

from bonefide.data.datasets._info import DatasetInfo, Rule

__all__ = ["UTDMHAD"]

UTDMHAD = DatasetInfo(
    name="utdmhad",
    title="UTD Multimodal Human Action Dataset",
    classes=(
        "right arm swipe to the left",
        "right arm swipe to the right",
        "right hand wave",
        "two hand front clap",
        "right arm throw",
        "cross arms in the chest",
        "basketball shooting",
        "draw x",
        "draw circle (clockwise)",
        "draw circle (counter clockwise)",
        "draw triangle",
        "bowling (right hand)",
        "front boxing",
        "baseball swing from right",
        "tennis forehand swing",
        "arm curl (two arms)",
        "tennis serve",
        "two hand push",
        "knock on door",
        "hand catch",
        "pick up and throw",
        "jogging",
        "walking",
        "sit to stand",
        "stand to sit",
        "forward lunge (left foot forward)",
        "squat",
    ),
    preparations={"utdmhad": "utdmhad"},
    protocols={"xsub": Rule("subject", frozenset({1, 3, 5, 7}))},
    sequences=861,
    parts={"xsub": (431, 430)},
    citation=(
        "Chen, Jafari, Kehtarnavaz. UTD-MHAD: A Multimodal Dataset for Human Action Recognition Utilizing a Depth "
        "Camera and a Wearable Inertial Sensor. ICIP 2015."
    ),
    licence="free for research; not to be redistributed by this package",
    homepage="https://personal.utdallas.edu/~kehtar/UTD-MHAD.html",
)
