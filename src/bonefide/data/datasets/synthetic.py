# SPDX-License-Identifier: Apache-2.0
"""Made-up people: 26 actions of kinematic bodies, four of them of two persons. See `bonefide.data.synthetic`."""

from __future__ import annotations

from bonefide.data.datasets._info import DatasetInfo, Rule

__all__ = ["SYNTHETIC"]

_DESCRIPTIONS = {
    "drink": "Standing, a person lifts a cup to the mouth, tips the head back a little and lowers the cup again.",
    "phone call": "A person takes a telephone from the pocket, holds it to the ear and listens.",
    "salute": "A person stands straight and puts the flat hand to the brow with the elbow raised to the side.",
    "put on a hat": "With both hands a person lifts a hat from before the chest onto the head and presses it down.",
    "wave": "A person raises one hand beside the head and swings the forearm from side to side.",
    "clap": "A person strikes the palms together before the chest again and again.",
    "cheer": "A person throws both arms up and shakes the fists above the head in joy.",
    "throw": "A person draws one arm back behind the head, steps forward and hurls something away.",
    "punch": "A person raises both fists before the chest and strikes forward with one and then the other.",
    "kick": "A person swings one leg back and then forward and up while standing on the other.",
    "jump": "A person crouches, swings the arms up and leaps off the ground with both feet.",
    "squat": "A person bends the knees deeply with the arms stretched forward and rises again.",
    "bow": "A person bends the upper body forward with straight legs and arms at the sides, then rises.",
    "sit down": "A person lowers the hips backwards onto a seat and comes to rest with the hands on the thighs.",
    "stand up": "A seated person leans forward and rises to a standing position.",
    "pick up with one hand": "A person stoops, takes something from the ground with one hand and rises again.",
    "pick up with two hands": "A person stoops, grasps a box on the ground with both hands and lifts it to the chest.",
    "drop trash": "A person holds something out over a bin with one hand and lets it fall.",
    "walk around": "A person walks along a curve with the arms swinging.",
    "carry": "A person walks along a curve and holds a load before the body with both hands.",
    "put on a jacket": "A person slips one arm after the other back into the sleeves and pulls the front together.",
    "take off a jacket": "A person pushes a jacket off both shoulders and draws the arms out of it behind the back.",
    "shake hands": "Two people face each other, join their right hands and move them up and down.",
    "high five": "Two people face each other, raise one hand and strike their palms together above their heads.",
    "push": "One person shoves another one's chest with both hands, who staggers backwards.",
    "hug": "Two people step towards each other and close their arms around each other.",
}

SYNTHETIC = DatasetInfo(
    name="synthetic",
    title="Synthetic people",
    classes=tuple(_DESCRIPTIONS),
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
    descriptions=tuple(_DESCRIPTIONS.values()),
)
