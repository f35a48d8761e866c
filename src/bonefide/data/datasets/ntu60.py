# SPDX-License-Identifier: Apache-2.0
"""NTU RGB+D: 60 actions, 40 subjects, Kinect v2, three cameras in 17 setups."""

from __future__ import annotations

from bonefide.data.datasets._info import DatasetInfo, Rule

__all__ = ["NTU60"]

NTU60 = DatasetInfo(
    name="ntu60",
    title="NTU RGB+D",
    classes=(
        "drink water", "eat meal/snack", "brushing teeth", "brushing hair", "drop", "pickup", "throw", "sitting down",
        "standing up (from sitting position)", "clapping", "reading", "writing", "tear up paper", "wear jacket",
        "take off jacket", "wear a shoe", "take off a shoe", "wear on glasses", "take off glasses",
        "put on a hat/cap", "take off a hat/cap", "cheer up", "hand waving", "kicking something", "reach into pocket",
        "hopping (one foot jumping)", "jump up", "make a phone call/answer phone", "playing with phone/tablet",
        "typing on a keyboard", "pointing to something with finger", "taking a selfie", "check time (from watch)",
        "rub two hands together", "nod head/bow", "shake head", "wipe face", "salute", "put the palms together",
        "cross hands in front (say stop)", "sneeze/cough", "staggering", "falling", "touch head (headache)",
        "touch chest (stomachache/heart pain)", "touch back (backache)", "touch neck (neckache)",
        "nausea or vomiting condition", "use a fan (with hand or paper)/feeling warm",
        "punching/slapping other person", "kicking other person", "pushing other person",
        "pat on back of other person", "point finger at the other person", "hugging other person",
        "giving something to other person", "touch other person's pocket", "handshaking",
        "walking towards each other", "walking apart from each other",
    ),
    preparations={"ntu": "ntu_denoise"},
    protocols={
        "xsub": Rule(
            "subject",
            frozenset((1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38)),
            grouped=True,
        ),
        "xview": Rule("camera", frozenset((2, 3)), grouped=True),
    },
    sequences=56_578,
    parts={"xsub": (40_091, 16_487), "xview": (37_646, 18_932)},
    citation=(
        "Shahroudy, Liu, Ng, Wang. NTU RGB+D: A Large Scale Dataset for 3D Human Activity Analysis. CVPR 2016."
    ),
    licence="academic research only, on request to the ROSE Lab; may not be passed on",
    homepage="https://rose1.ntu.edu.sg/dataset/actionRecognition/",
    only=Rule("setup", frozenset(range(1, 18))),
    missing="ntu60.txt",
)  # fmt: skip
