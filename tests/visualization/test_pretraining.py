# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from bonefide.errors import ShapeError
from bonefide.layouts import layout
from bonefide.types import Array
from bonefide.visualization.pretraining import draw_attention, draw_hidden, draw_prime

UCLA = layout("ucla20")
WALK = np.random.default_rng(0).normal(size=(1, 12, 20, 3))


def colored(png: bytes, test: tuple[int, int, int], reach: int = 60) -> Array:
    """How many pixels of a colour each third of the picture has."""
    with Image.open(io.BytesIO(png)) as opened:
        pixels = np.asarray(opened.convert("RGB")).astype(int)
    near = (np.abs(pixels - test) < reach).all(axis=2)
    return np.array([part.sum() for part in np.array_split(near, 3, axis=1)])


RED, GREY, GREEN = (220, 70, 80), (185, 188, 194), (28, 156, 99)


def test_marks_grow_with_the_score_and_are_where_and_when_it_is() -> None:
    scores = np.zeros((1, 3, 20))
    scores[0, 1, 7], scores[0, 2, 7] = 0.5, 1
    counts = colored(draw_prime(WALK, scores, UCLA, frames=3, size=256), RED)
    assert counts[0] == 0
    assert 2.5 < counts[2] / counts[1] < 6, "twice the score is four times the area"


def test_hidden_joints_are_grey_and_guesses_green() -> None:
    hidden = np.zeros((1, 3, 20), dtype=bool)
    hidden[0, 2] = True
    plain = colored(draw_hidden(WALK, hidden, UCLA, frames=3, size=256), GREY, 6)
    assert plain[2] > 100
    assert plain[2] > 3 * plain[0]
    far = WALK + 0.5
    guessed = draw_hidden(WALK, hidden, UCLA, guess=far, frames=3, size=256)
    green = colored(guessed, GREEN, 25)
    assert green[2] > 50
    assert green[0] == green[1] == 0, "what is visible is not guessed"


def test_nobody_is_guessed_where_nobody_is() -> None:
    two = np.concatenate([WALK, 0 * WALK])
    hidden = np.zeros((2, 3, 20), dtype=bool)
    hidden[1] = True
    picture = draw_hidden(two, hidden, UCLA, guess=two + 0.1, frames=3, size=256)
    assert not colored(picture, GREEN, 25).any()


def test_colours_tell_who_gets_most_attention() -> None:
    shares = np.full((1, 3, 20), 1.0)
    shares[0, 2, 7], shares[0, 1, 7] = 3.0, 2.0
    picture = draw_attention(WALK, shares, UCLA, frames=3, size=256)
    darkest, middle = (128, 0, 38), (253, 141, 60)
    assert colored(picture, darkest, 12)[2] > 30
    assert colored(picture, darkest, 12)[1] == 0
    assert colored(picture, middle, 12)[1] > 30 > colored(picture, middle, 12)[2]
    absent = np.concatenate([WALK, 0 * WALK])
    of_nobody = np.concatenate([shares, 9 * shares])
    again = draw_attention(absent, of_nobody, UCLA, frames=3, size=256)
    np.testing.assert_array_equal(colored(again, darkest, 12), colored(picture, darkest, 12))


def test_refuses_what_cannot_be() -> None:
    fits = np.ones((1, 3, 20))
    with pytest.raises(ShapeError, match="at least 32, got 8"):
        draw_prime(WALK, fits, UCLA, size=8)
    for shape in ((2, 3, 20), (1, 3, 25), (1, 13, 20), (3, 20)):
        with pytest.raises(ShapeError, match="need values"):
            draw_prime(WALK, np.ones(shape), UCLA)
        with pytest.raises(ShapeError, match="need values"):
            draw_attention(WALK, np.ones(shape), UCLA)
    with pytest.raises(ShapeError, match="a guess has the joints' shape"):
        draw_hidden(WALK, fits > 0, UCLA, guess=WALK[:, :3])
