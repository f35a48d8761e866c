# SPDX-License-Identifier: Apache-2.0
"""What made-up people can do: every action's name to the program that draws one performance of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from numpy.random import Generator

from bonefide.data.synthetic import arm_actions, body_actions, pair_actions
from bonefide.data.synthetic.motion import Scene

__all__ = ["PROGRAMS"]

PROGRAMS: Mapping[str, Callable[[Generator], Scene]] = {
    "drink": arm_actions.drink,
    "phone call": arm_actions.phone,
    "salute": arm_actions.salute,
    "put on a hat": arm_actions.put_on_hat,
    "wave": arm_actions.wave,
    "clap": arm_actions.clap,
    "cheer": arm_actions.cheer,
    "throw": arm_actions.throw,
    "punch": arm_actions.punch,
    "kick": body_actions.kick,
    "jump": body_actions.jump,
    "squat": body_actions.squat,
    "bow": body_actions.bow,
    "sit down": body_actions.sit_down,
    "stand up": body_actions.stand_up,
    "pick up with one hand": body_actions.pick_up_with_one_hand,
    "pick up with two hands": body_actions.pick_up_with_two_hands,
    "drop trash": arm_actions.drop_trash,
    "walk around": body_actions.walk_around,
    "carry": body_actions.carry,
    "put on a jacket": arm_actions.put_on_jacket,
    "take off a jacket": arm_actions.take_off_jacket,
    "shake hands": pair_actions.shake_hands,
    "high five": pair_actions.high_five,
    "push": pair_actions.push,
    "hug": pair_actions.hug,
}
"""In the order of the labels."""
