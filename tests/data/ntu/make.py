# SPDX-License-Identifier: Apache-2.0
"""Writes tiny `.skeleton` files: bodies that stand upright and sway a little, in any arrangement over the frames."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bonefide.data.raw._recording import RawBody, RawRecording
from bonefide.types import Array

__all__ = ["MEMBER", "file_of", "person", "recording_of"]

MEMBER = "S003C002P008R001A012.skeleton"
FIRST_ID = 72057594037928973
"""Above 2^53 as the sensor's: as floats, neighbours would be one body."""

_STATES = "0 0 0 0 0 0 0 0 2"

Listed = tuple[str, Array]


def person(frames: int, *, seed: int = 0, place: float = 0.0, sway: float = 0.1, width: float = 0.2) -> Array:
    """Coordinates of a body, (frames, 25, 3), with 7 significant digits; taller than wide unless `width` is above 1.4.

    The more it sways, the larger is its variance.
    """
    generator = np.random.default_rng(seed)
    joints = np.zeros((25, 3))
    joints[:, 0] = np.linspace(-0.5, 0.5, 25)[generator.permutation(25)] * width
    joints[:, 1] = np.linspace(-0.9, 0.9, 25)
    joints[:, 2] = 3
    moved = joints + sway * np.sin(np.arange(frames) / 3)[:, None, None] * [1, 0, 1] + [place, 0, 0]
    return np.array([float(f"{value:.7g}") for value in moved.ravel()]).reshape(moved.shape)


def file_of(frames: Sequence[Sequence[Listed]], *, end: str = "\r\n", fields: str = _STATES) -> bytes:
    """A file with these bodies, id and (25, 3), in each frame; `fields` follow the coordinates of each joint."""
    lines = [str(len(frames))]
    for bodies in frames:
        lines.append(str(len(bodies)))
        for name, joints in bodies:
            lines += [f"{name} 0 1 1 0 1 0 0.05 -0.1 2", str(len(joints))]
            lines += [" ".join([*(f"{value:.7g}" for value in joint), *fields.split()]) for joint in joints]
    return (end.join(lines) + end).encode()


def recording_of(frames: int, *bodies: tuple[Sequence[int], Array]) -> RawRecording:
    """A recording whose bodies, "0", "1", ... occur in these frames with these coordinates."""
    return RawRecording(
        name="sample",
        label=3,
        frames=frames,
        fps=30.0,
        bodies=tuple(
            RawBody(str(place), np.array(where), np.full(len(where), place), joints)
            for place, (where, joints) in enumerate(bodies)
        ),
    )
