# SPDX-License-Identifier: Apache-2.0
"""NTU RGB+D 120: the 60 actions of NTU RGB+D and 60 more, 106 subjects, 32 setups."""

from __future__ import annotations

from bonefide.data.datasets._info import DatasetInfo, Rule
from bonefide.data.datasets.ntu60 import NTU60

__all__ = ["NTU120"]

NTU120 = DatasetInfo(
    name="ntu120",
    title="NTU RGB+D 120",
    classes=(
        *NTU60.classes,
        "put on headphone", "take off headphone", "shoot at the basket", "bounce ball", "tennis bat swing",
        "juggling table tennis balls", "hush (quite)", "flick hair", "thumb up", "thumb down", "make ok sign",
        "make victory sign", "staple book", "counting money", "cutting nails", "cutting paper (using scissors)",
        "snapping fingers", "open bottle", "sniff (smell)", "squat down", "toss a coin", "fold paper",
        "ball up paper", "play magic cube", "apply cream on face", "apply cream on hand back", "put on bag",
        "take off bag", "put something into a bag", "take something out of a bag", "open a box", "move heavy objects",
        "shake fist", "throw up cap/hat", "hands up (both hands)", "cross arms", "arm circles", "arm swings",
        "running on the spot", "butt kicks (kick backward)", "cross toe touch", "side kick", "yawn",
        "stretch oneself", "blow nose", "hit other person with something", "wield knife towards other person",
        "knock over other person (hit with body)", "grab other person's stuff", "shoot at other person with a gun",
        "step on foot", "high-five", "cheers and drink", "carry something with other person",
        "take a photo of other person", "follow other person", "whisper in other person's ear",
        "exchange things with other person", "support somebody with hand",
        "finger-guessing game (playing rock-paper-scissors)",
    ),
    preparations={"ntu": "ntu_denoise"},
    protocols={
        "xsub": Rule("subject", NTU60.protocols["xsub"].train | frozenset((
            45, 46, 47, 49, 50, 52, 53, 54, 55, 56, 57, 58, 59, 70, 74, 78, 80, 81, 82, 83, 84, 85, 86, 89, 91, 92,
            93, 94, 95, 97, 98, 100, 103,
        )), grouped=True),
        "xset": Rule("setup", frozenset(range(2, 33, 2)), grouped=True),
    },
    sequences=113_945,
    parts={"xsub": (63_026, 50_919), "xset": (54_468, 59_477)},
    citation=(
        "Liu, Shahroudy, Perez, Wang, Duan, Kot. NTU RGB+D 120: A Large-Scale Benchmark for 3D Human Activity "
        "Understanding. IEEE TPAMI 42(10), 2020."
    ),
    licence="academic research only, on request to the ROSE Lab; may not be passed on",
    homepage="https://rose1.ntu.edu.sg/dataset/actionRecognition/",
    missing="ntu120.txt",
    options={"ntu_denoise": {"second_slot": "copy"}},
)  # fmt: skip
