# SPDX-License-Identifier: Apache-2.0
"""One recording of one performance by one camera: who does what, and what the sensor makes of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from bonefide.data.raw._recording import RawBody
from bonefide.data.synthetic.actions import PROGRAMS
from bonefide.data.synthetic.perform import perform
from bonefide.data.synthetic.sensor import camera, observe
from bonefide.types import Array

__all__ = ["Take", "takes", "trains"]

_SETUPS = 4


@dataclass(frozen=True)
class Take:
    """A recording to be made; numbers count from 1.

    Args:
        action: name of a class of the data set `synthetic`.
        subject: number of the person.
        repeat: number of the repetition.
        camera: number of the camera, 1 to 3.
        seed: of the whole data set.

    Example:
        >>> take = Take("hug", 3, 1, 2, 0)
        >>> take.ntu_name, take.clip_name, take.setup, take.persons
        ('S002C002P003R001A026', 'hug_p003_r001_c2', 2, 2)
    """

    action: str
    subject: int
    repeat: int
    camera: int
    seed: int

    @property
    def label(self) -> int:
        """Class of the data set `synthetic`, 0-based."""
        return list(PROGRAMS).index(self.action)

    @property
    def persons(self) -> int:
        """How many take part."""
        return len(PROGRAMS[self.action](np.random.default_rng(0)).motions)

    @property
    def setup(self) -> int:
        """Number of the camera setup.

        Two neighbours share one, so that training and test subjects of the cross-subject split share all.
        """
        return (self.subject - 1) // 2 % _SETUPS + 1

    @property
    def ntu_name(self) -> str:
        """Name by the pattern of NTU RGB+D."""
        who = f"P{self.subject:03}R{self.repeat:03}"
        return f"S{self.setup:03}C{self.camera:03}{who}A{self.label + 1:03}"

    @property
    def clip_name(self) -> str:
        """Name for forms that have no pattern of their own."""
        return f"{self.action.replace(' ', '_')}_p{self.subject:03}_r{self.repeat:03}_c{self.camera}"

    def generator(self) -> Generator:
        """Of everything that is particular to this recording."""
        return np.random.default_rng([self.seed, 15485863, self.label, self.subject, self.repeat, self.camera])

    def scene(self) -> Array:
        """True joints of everyone, ground at 0, y up, (M, T, 25, 3) in metres."""
        return perform(self.action, seed=self.seed, performer=self.subject, repeat=self.repeat)

    def seen(self) -> Array:
        """True joints of everyone in the camera's axes, (M, T, 25, 3) in metres."""
        return camera(self.camera, self.setup, seed=self.seed)(self.scene())

    def people(self) -> tuple[tuple[RawBody, ...], Generator]:
        """Everyone as a tracker sees them that loses nobody and takes nothing for a person; and the generator."""
        generator = self.generator()
        bodies = tuple(observe(person[None], generator, alone=True)[0] for person in self.seen())
        return bodies, generator


def takes(
    actions: Iterable[str], *, subjects: Iterable[int], repeats: Iterable[int], cameras: Iterable[int], seed: int
) -> list[Take]:
    """All combinations, the camera fastest."""
    people, again, views = list(subjects), list(repeats), list(cameras)
    return [
        Take(action, subject, repeat, view, seed)
        for action in actions
        for subject in people
        for repeat in again
        for view in views
    ]


def trains(subject: int) -> bool:
    """Whether a person belongs to the training part of every cross-subject split: the odd ones do."""
    return subject % 2 == 1
