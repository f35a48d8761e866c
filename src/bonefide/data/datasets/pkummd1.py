# SPDX-License-Identifier: Apache-2.0
"""PKU-MMD phase I: 51 actions, 66 people, three cameras, 1,076 long videos."""

from __future__ import annotations

from bonefide.data.datasets._info import DatasetInfo, Rule

__all__ = ["PKUMMD1"]

PKUMMD1 = DatasetInfo(
    name="pkummd1",
    title="PKU-MMD phase I",
    classes=(
        "bow", "brushing hair", "brushing teeth", "check time (from watch)", "cheer up", "clapping",
        "cross hands in front (say stop)", "drink water", "drop", "eat meal/snack", "falling",
        "giving something to other person", "hand waving", "handshaking", "hopping (one foot jumping)",
        "hugging other person", "jump up", "kicking other person", "kicking something",
        "make a phone call/answer phone", "pat on back of other person", "pickup", "playing with phone/tablet",
        "point finger at the other person", "pointing to something with finger", "punching/slapping other person",
        "pushing other person", "put on a hat/cap", "put something inside pocket", "reading", "rub two hands together",
        "salute", "sitting down", "standing up", "take off a hat/cap", "take off glasses", "take off jacket",
        "take out something from pocket", "taking a selfie", "tear up paper", "throw", "touch back (backache)",
        "touch chest (stomachache/heart pain)", "touch head (headache)", "touch neck (neckache)",
        "typing on a keyboard", "use a fan (with hand or paper)/feeling warm", "wear jacket", "wear on glasses",
        "wipe face", "writing",
    ),
    preparations={"pkummd": "pkummd_mamp"},
    protocols={"xsub": Rule("lists"), "xview": Rule("lists")},
    sequences=0,
    parts={},
    citation=(
        "Liu, Hu, Li, Song, Liu. PKU-MMD: A Large Scale Benchmark for Continuous Multi-Modal Human Action "
        "Understanding. arXiv:1703.07475, 2017."
    ),
    licence="academic research; asked for at its page, not to be redistributed by this package",
    homepage="https://www.icst.pku.edu.cn/struct/Projects/PKUMMD.html",
    # The reader numbers videos of phase I by their four digits, those of phase II from 10000 on.
    only=Rule("setup", frozenset(range(10_000))),
    missing="pkummd1.txt",
)  # fmt: skip
