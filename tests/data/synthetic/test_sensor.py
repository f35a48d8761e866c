# SPDX-License-Identifier: Apache-2.0
"""Cameras and what goes wrong in them."""

from __future__ import annotations

import numpy as np

from bonefide.data.synthetic.perform import perform
from bonefide.data.synthetic.sensor import Camera, camera, observe


def seen(seed: int, action: str = "wave") -> tuple[np.ndarray, tuple]:
    persons = camera(1, 1)(perform(action))
    return persons, observe(persons, np.random.default_rng(seed))


def test_a_camera_moves_and_turns_but_does_not_distort() -> None:
    points = np.random.default_rng(0).normal(size=(40, 3))
    moved = Camera(yaw=0.6, height=1.4, tilt=0.2, distance=3.0)(points)
    before = np.linalg.norm(points[:, None] - points, axis=2)
    np.testing.assert_allclose(np.linalg.norm(moved[:, None] - moved, axis=2), before, atol=1e-9)
    straight = Camera(yaw=0.0, height=1.4, tilt=0.0, distance=3.0)
    np.testing.assert_allclose(straight(np.array([0.1, 0.5, -0.2])), (0.1, -0.9, 2.8))
    # Looking down lifts what lies ahead.
    assert Camera(yaw=0.0, height=1.4, tilt=0.2, distance=3.0)(np.array([0.0, 1.4, 0.0]))[1] > 0


def test_cameras_stand_apart_and_people_are_in_front() -> None:
    yaws = [camera(number, 1).yaw for number in (1, 2, 3)]
    assert yaws[1] < yaws[0] - 0.4 < yaws[2] - 0.8
    assert camera(1, 1) == camera(1, 1) != camera(1, 2)
    for number in (1, 2, 3):
        assert camera(number, 2)(perform("walk around"))[..., 2].min() > 1.0


def test_noise_is_small_in_the_trunk_and_larger_at_the_hands() -> None:
    errors = []
    for seed in range(20):
        persons, bodies = seen(seed)
        whole = max(bodies, key=lambda body: len(body.frames))
        error = np.linalg.norm(whole.joints - persons[0, whole.frames], axis=2)
        errors.append(np.where(whole.tracked == 2, error, np.nan))
    typical = np.nanmedian(np.concatenate(errors), axis=0)
    assert typical[[0, 1, 20]].max() < 0.02
    assert typical[[7, 11, 21, 23]].min() > 1.5 * typical[[0, 1, 20]].max()
    assert any((body.tracked == 1).any() for seed in range(3) for body in seen(seed)[1])


def test_over_many_recordings_bodies_vanish_return_and_ghosts_appear() -> None:
    counts = {"one": 0, "several": 0, "short": 0, "empty": 0}
    for seed in range(150):
        persons, bodies = seen(seed)
        counts["one"] += len(bodies) == 1
        counts["several"] += len(bodies) > 1
        counts["short"] += any(len(body.frames) <= 11 for body in bodies)
        present = np.unique(np.concatenate([body.frames for body in bodies]))
        counts["empty"] += len(present) < persons.shape[1]
        assert len({body.id for body in bodies}) == len(bodies)
        for frame in range(persons.shape[1]):
            slots = [int(body.slots[body.frames == frame][0]) for body in bodies if frame in body.frames]
            assert sorted(slots) == list(range(len(slots)))
    assert counts["one"] > 110
    assert min(counts.values()) >= 3


def test_alone_gives_one_whole_body() -> None:
    persons = camera(1, 1)(perform("carry"))
    for seed in range(40):
        (body,) = observe(persons, np.random.default_rng(seed), alone=True)
        assert np.array_equal(body.frames, np.arange(persons.shape[1]))
