# SPDX-License-Identifier: Apache-2.0
"""Made-up people: how tall, how long their limbs, how fast, which hand, how they stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Body", "Subject", "subject"]

_LEFT_HANDED_EVERY = 3


@dataclass(frozen=True)
class Subject:
    """One made-up person.

    Args:
        stature: height in metres.
        arms: length of the arms against the average of that height.
        legs: likewise the legs; the trunk takes up the difference.
        shoulders: likewise the width of shoulders and hips.
        speed: pace of every movement; 1 is average.
        amplitude: size of wide movements; 1 is average.
        stoop: how far the upper spine bends forward at rest, in radians.
        stance: half the distance between the feet at rest, as a share of the height.
        elbow: how far the elbows turn outward, as a share of the way.
        left_handed: whether every movement is mirrored.
    """

    stature: float = 1.72
    arms: float = 1.0
    legs: float = 1.0
    shoulders: float = 1.0
    speed: float = 1.0
    amplitude: float = 1.0
    stoop: float = 0.06
    stance: float = 0.06
    elbow: float = 0.2
    left_handed: bool = False


def subject(number: int, *, seed: int = 0) -> Subject:
    """The person of that number: always the same one for the same seed.

    Every third one is left-handed, more than among people, so that both parts of a cross-subject split hold some.

    Args:
        number: 1-based, as in the names of the files.
        seed: of the whole data set.

    Example:
        >>> subject(3).left_handed, subject(4).left_handed, subject(5) == subject(5)
        (True, False, True)
    """
    generator = np.random.default_rng([seed, 7919, number])
    shift = generator.uniform(-1.0, 1.0, 9)
    return Subject(
        stature=1.72 + 0.17 * float(shift[0]),
        arms=1.0 + 0.06 * float(shift[1]),
        legs=1.0 + 0.05 * float(shift[2]),
        shoulders=1.0 + 0.14 * float(shift[3]),
        speed=float(np.exp(0.28 * shift[4])),
        amplitude=1.0 + 0.18 * float(shift[5]),
        stoop=0.07 + 0.09 * float(shift[6]),
        stance=0.06 + 0.025 * float(shift[7]),
        elbow=0.25 + 0.25 * float(shift[8]),
        left_handed=number % _LEFT_HANDED_EVERY == 0,
    )


@dataclass(frozen=True)
class Body:
    """Lengths of one person's segments, in metres, from averages of adults.

    Args:
        subject: whose body it is.
    """

    subject: Subject

    @property
    def stature(self) -> float:
        """Height."""
        return self.subject.stature

    @property
    def thigh(self) -> float:
        """Hip to knee."""
        return 0.235 * self.stature * self.subject.legs

    @property
    def shank(self) -> float:
        """Knee to ankle."""
        return 0.225 * self.stature * self.subject.legs

    @property
    def ankle(self) -> float:
        """Ground to ankle."""
        return 0.042 * self.stature

    @property
    def upper_arm(self) -> float:
        """Shoulder to elbow."""
        return 0.168 * self.stature * self.subject.arms

    @property
    def forearm(self) -> float:
        """Elbow to wrist."""
        return 0.145 * self.stature * self.subject.arms

    @property
    def palm(self) -> float:
        """Wrist to the middle of the hand; as far again to the finger tips."""
        return 0.045 * self.stature * self.subject.arms

    @property
    def arm(self) -> float:
        """Shoulder to the middle of the hand, stretched."""
        return self.upper_arm + self.forearm + self.palm

    @property
    def hip(self) -> tuple[float, float]:
        """Middle of the pelvis to the hip joint: outward, downward."""
        return 0.046 * self.stature * self.subject.shoulders, 0.03 * self.stature

    @property
    def shoulder(self) -> tuple[float, float]:
        """Top of the spine to the shoulder joint: outward, downward."""
        return 0.108 * self.stature * self.subject.shoulders, 0.03 * self.stature

    @property
    def spine(self) -> tuple[float, float, float, float]:
        """Pelvis to middle of the spine, to the shoulders' height, to the neck, to the middle of the head."""
        trunk = 0.285 * self.stature - 0.46 * self.stature * (self.subject.legs - 1.0)
        return 0.54 * trunk, 0.46 * trunk, 0.042 * self.stature, 0.085 * self.stature

    @property
    def pelvis(self) -> float:
        """Height of the middle of the pelvis above the ground, standing with almost stretched legs."""
        return self.ankle + 0.992 * (self.thigh + self.shank) + self.hip[1]
