# SPDX-License-Identifier: Apache-2.0
"""Two-bone inverse kinematics."""

from __future__ import annotations

import numpy as np

from bonefide.data.synthetic.kinematics import two_bones


def test_the_end_is_reached_when_it_can_be_and_bones_keep_their_length() -> None:
    generator = np.random.default_rng(0)
    start, direction, toward = generator.normal(size=(3, 200, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    distance = generator.uniform(0.1, 1.2, (200, 1))
    end = start + distance * direction
    middle, reached = two_bones(start, end, (0.4, 0.35), toward)
    np.testing.assert_allclose(np.linalg.norm(middle - start, axis=1), 0.4, rtol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(reached - middle, axis=1), 0.35, rtol=1e-9)
    within = (distance[:, 0] < 0.74) & (distance[:, 0] > 0.15)
    np.testing.assert_allclose(reached[within], end[within], atol=1e-9)
    beyond = distance[:, 0] > 0.75
    assert 20 < beyond.sum() < 180
    cosine = np.sum((reached - start) * direction, axis=1) / np.linalg.norm(reached - start, axis=1)
    np.testing.assert_allclose(cosine[beyond], 1.0, atol=1e-9)


def test_the_middle_joint_leaves_the_line_on_the_wanted_side() -> None:
    middle, _ = two_bones(np.zeros((1, 3)), np.array([[0.0, -0.6, 0.0]]), (0.4, 0.4), np.array([[0.0, 0.3, -1.0]]))
    assert middle[0, 2] < -0.2
    np.testing.assert_allclose(middle[0, :2], (0.0, -0.3), atol=1e-12)
