# SPDX-License-Identifier: Apache-2.0
"""Clean performances: bodies that keep their shape, feet that stand, actions that differ."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from bonefide.data.datasets.synthetic import SYNTHETIC
from bonefide.data.synthetic.actions import PROGRAMS
from bonefide.data.synthetic.bodies import Body, Subject, subject
from bonefide.data.synthetic.kinematics import joints
from bonefide.data.synthetic.manner import rests
from bonefide.data.synthetic.perform import perform
from bonefide.errors import UnknownNameError
from bonefide.layouts import layout

LAYOUT = layout("ntu25")
INDEX = {name: place for place, name in enumerate(LAYOUT.joints)}
PAIRS = ("shake hands", "high five", "push", "hug")
STANDING = ("drink", "phone call", "salute", "put on a hat", "wave", "clap", "cheer", "punch", "squat", "bow")
SEATED = ("sit down", "stand up", "pick up with one hand", "pick up with two hands", "drop trash")
PLANTED = (*STANDING, *SEATED, "put on a jacket", "take off a jacket", "shake hands", "high five")
STEPPING = ("kick", "jump", "throw", "walk around", "carry", "push", "hug")


def at(persons: np.ndarray, name: str) -> np.ndarray:
    return persons[:, :, INDEX[name]]


def test_every_action_is_named_and_numbered_alike() -> None:
    assert tuple(PROGRAMS) == SYNTHETIC.classes
    assert set(PLANTED) | set(STEPPING) == set(PROGRAMS)


@pytest.mark.parametrize("action", PROGRAMS)
def test_limbs_keep_their_length_and_frames_their_number(action: str) -> None:
    for number, repeat in ((1, 1), (2, 2), (3, 1)):
        persons = perform(action, performer=number, repeat=repeat)
        assert persons.shape[0] == (2 if action in PAIRS else 1)
        assert 40 <= persons.shape[1] <= 110
        assert np.isfinite(persons).all()
        for child, parent in LAYOUT.edges():
            length = np.linalg.norm(persons[:, :, child] - persons[:, :, parent], axis=2)
            np.testing.assert_allclose(length, length[:, :1].repeat(length.shape[1], 1), rtol=1e-6)


@pytest.mark.parametrize("action", PLANTED)
def test_feet_stand_still_where_nobody_steps(action: str) -> None:
    for seed in range(3):
        generator = np.random.default_rng(seed)
        scene = PROGRAMS[action](generator)
        times = np.linspace(-0.2, scene.duration + 0.2, 50)
        for motion in scene.motions:
            points = joints(motion, Body(Subject()), rests(generator), times, gap=scene.gap)
            for joint in ("left_ankle", "right_ankle", "left_foot", "right_foot"):
                assert np.ptp(points[:, INDEX[joint]], axis=0).max() < 1e-9


@pytest.mark.parametrize("action", PROGRAMS)
def test_a_foot_on_the_ground_does_not_slide(action: str) -> None:
    for repeat in (1, 2, 3):
        persons = perform(action, performer=4 + repeat, repeat=repeat)
        for side in ("left", "right"):
            ankle = at(persons, f"{side}_ankle")
            low = ankle[..., 1] < ankle[..., 1].min() + 1e-3
            grounded = low[:, 1:] & low[:, :-1]
            assert grounded.mean() > 0.3
            # A foot that leaves the ground or lands is still low in its first and last frame.
            assert np.linalg.norm(np.diff(ankle, axis=1), axis=2)[grounded].max() < 0.02


@pytest.mark.parametrize("action", ["walk around", "carry", "kick", "throw", "push", "hug"])
def test_who_steps_steps(action: str) -> None:
    persons = perform(action, performer=4)
    moved = [np.ptp(at(persons, f"{side}_ankle"), axis=1).max() for side in ("left", "right")]
    assert max(moved) > 0.1


@pytest.mark.parametrize("action", PROGRAMS)
def test_bodies_are_upright_knees_bend_forward_and_nothing_sinks_into_the_ground(action: str) -> None:
    for number in (1, 2, 5):
        persons = perform(action, performer=number)
        assert persons[..., 1].min() > -0.02
        assert (at(persons, "head")[..., 1] > at(persons, "spine_base")[..., 1] - 0.25).all()
        for side in ("left", "right"):
            hip, knee, ankle = (at(persons, f"{side}_{part}") for part in ("hip", "knee", "ankle"))
            toes = at(persons, f"{side}_foot") - ankle
            toes[..., 1] = 0.0
            share = np.linalg.norm(knee - hip, axis=2) / (
                np.linalg.norm(knee - hip, axis=2) + np.linalg.norm(ankle - knee, axis=2)
            )
            bulge = knee - (hip + share[..., None] * (ankle - hip))
            bent = np.linalg.norm(bulge, axis=2) > 0.03
            lifted = ankle[..., 1] > 0.25
            assert ((bulge * toes).sum(axis=2)[bent & ~lifted] > 0).all()


def test_every_action_differs_from_every_other() -> None:
    person = Subject()
    shapes = {}
    for action in PROGRAMS:
        persons = perform(action, performer=person)[0]
        moved = persons - persons[:, :1]
        frames = np.linspace(0, len(persons) - 1, 32).astype(int)
        shapes[action] = moved[frames]
    for first, second in itertools.combinations(shapes, 2):
        assert np.abs(shapes[first] - shapes[second]).max() > 0.1, (first, second)


def test_same_arguments_give_the_same_performance_and_others_another() -> None:
    once, again = perform("wave", seed=3, performer=2, repeat=2), perform("wave", seed=3, performer=2, repeat=2)
    assert np.array_equal(once, again)
    for other in ({"seed": 4}, {"performer": 4}, {"repeat": 3}):
        changed = perform("wave", **{"seed": 3, "performer": 2, "repeat": 2, **other})
        assert changed.shape != once.shape or not np.allclose(changed, once)


def test_left_handers_mirror() -> None:
    person = Subject(stature=1.6)
    right = perform("drink", performer=person)[0]
    left = perform("drink", performer=replace(person, left_handed=True))[0]
    heading = right - right[:1, :1], left - left[:1, :1]
    for joint, twin in enumerate(LAYOUT.mirror):
        for other in range(25):
            distance = np.linalg.norm(heading[0][:, joint] - heading[0][:, other], axis=1)
            mirrored = np.linalg.norm(heading[1][:, twin] - heading[1][:, LAYOUT.mirror[other]], axis=1)
            np.testing.assert_allclose(mirrored, distance, atol=1e-9)
    lifted = at(right[None], "right_hand")[..., 1].max(), at(left[None], "left_hand")[..., 1].max()
    assert lifted[0] == pytest.approx(lifted[1])
    assert lifted[0] > at(right[None], "left_hand")[..., 1].max() + 0.2
    assert any(subject(number).left_handed for number in (1, 3, 5, 7, 9))
    assert any(subject(number).left_handed for number in (2, 4, 6, 8, 10))


def test_hands_of_two_persons_meet() -> None:
    for action, near in (("shake hands", 0.05), ("high five", 0.05)):
        for number in range(1, 9):
            persons = perform(action, performer=number)
            side = "left" if subject(number).left_handed else "right"
            first, second = at(persons, f"{side}_hand")
            assert np.linalg.norm(first - second, axis=1).min() < near
    for number in range(1, 9):
        persons = perform("push", performer=number)
        hands = np.stack([at(persons, "left_hand")[0], at(persons, "right_hand")[0]])
        assert np.linalg.norm(hands - at(persons, "spine_shoulder")[1], axis=2).min() < 0.45
        persons = perform("hug", performer=number)
        assert np.linalg.norm(np.diff(at(persons, "spine_shoulder"), axis=0), axis=2).min() < 0.5


def test_hands_go_where_the_action_says() -> None:
    for number in (1, 2, 4):
        drink, ground = perform("drink", performer=number), perform("pick up with one hand", performer=number)
        assert np.linalg.norm(at(drink, "right_hand") - at(drink, "head"), axis=2).min() < 0.25
        assert at(ground, "right_hand")[..., 1].min() < 0.35
        cheer = perform("cheer", performer=number)
        assert (at(cheer, "left_hand")[..., 1].max(axis=1) > at(cheer, "head")[..., 1].max(axis=1)).all()


def test_an_unknown_action_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'wave'"):
        perform("waev")
