# SPDX-License-Identifier: Apache-2.0
"""Made-up people: 26 actions of kinematic bodies, four of them of two persons. See `bonefide.data.synthetic`."""

from __future__ import annotations

from bonefide.data.datasets._info import DatasetInfo, Rule

__all__ = ["SYNTHETIC"]

SYNTHETIC = DatasetInfo(
    name="synthetic",
    title="Synthetic people",
    classes=(
        "drink",
        "phone call",
        "salute",
        "put on a hat",
        "wave",
        "clap",
        "cheer",
        "throw",
        "punch",
        "kick",
        "jump",
        "squat",
        "bow",
        "sit down",
        "stand up",
        "pick up with one hand",
        "pick up with two hands",
        "drop trash",
        "walk around",
        "carry",
        "put on a jacket",
        "take off a jacket",
        "shake hands",
        "high five",
        "push",
        "hug",
    ),
    preparations={"ntu": "ntu_denoise"},
    protocols={
        "xsub": Rule("subject", frozenset(range(1, 107, 2))),
        "xview": Rule("camera", frozenset({2, 3})),
    },
    sequences=0,
    parts={},
    citation="The bonefide authors. bonefide: skeleton-based human action recognition. Software, 2026.",
    licence="Apache-2.0, as the software that makes them",
    homepage="made by: bonefide synthesize ntu OUT.zip",
)
