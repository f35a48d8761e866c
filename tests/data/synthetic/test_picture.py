# SPDX-License-Identifier: Apache-2.0
"""People as found in a picture."""

from __future__ import annotations

import numpy as np

from bonefide.data.synthetic.picture import FOCUS, HEIGHT, WIDTH, find
from bonefide.data.synthetic.take import Take


def test_the_right_hand_of_somebody_who_looks_into_the_camera_is_on_the_left() -> None:
    for action in ("salute", "bow", "drink"):
        (person,) = find(Take(action, 1, 1, 1, 0), "coco17")
        assert (person.pixels[:, 6, 0] < person.pixels[:, 5, 0]).all()
        assert (person.pixels[0, 15:, 1] > person.pixels[0, 11:13, 1].max()).all()


def test_pixels_are_the_projected_joints() -> None:
    for target in ("coco17", "openpose25", "mediapipe33"):
        for person in find(Take("hug", 2, 1, 3, 5), target):
            x = WIDTH / 2 - FOCUS * person.joints[..., 0] / person.joints[..., 2]
            y = HEIGHT / 2 - FOCUS * person.joints[..., 1] / person.joints[..., 2]
            off = person.pixels - np.stack([x, y], axis=-1)
            assert 1.5 < off.std() < 2.5
            assert abs(off.mean()) < 0.2


def test_scores_tell_sure_from_guessed_and_outside() -> None:
    scores = []
    for subject in range(1, 9):
        (person,) = find(Take("walk around", subject, 1, 2, 0), "openpose25")
        outside = ((person.pixels < 0) | (person.pixels >= (WIDTH, HEIGHT))).any(axis=2)
        assert (person.score[outside] == 0).all()
        assert (person.score[~outside] > 0).all()
        scores.append(person.score.ravel())
    every = np.concatenate(scores)
    assert ((every >= 0.7) & (every <= 0.98)).mean() > 0.7
    assert 0.005 < ((every >= 0.1) & (every <= 0.5)).mean() < 0.3
    assert not ((every > 0.5) & (every < 0.7)).any()


def test_now_and_then_somebody_is_missed_for_a_few_frames() -> None:
    missed = [np.sum(~find(Take("bow", subject, 1, 1, 0), "coco17")[0].there) for subject in range(1, 41)]
    assert 1 <= np.count_nonzero(missed) <= 15
    assert max(missed) <= 5


def test_persons_keep_their_order() -> None:
    for person in find(Take("shake hands", 1, 1, 1, 0), "coco17"):
        steps = np.linalg.norm(np.diff(person.joints[:, 11], axis=0), axis=1)
        assert steps.max() < 0.15
