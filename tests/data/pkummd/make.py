# SPDX-License-Identifier: Apache-2.0
"""Writes tiny files of PKU-MMD: videos as text, their labels, and the lists of who trains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from bonefide.data.raw._recording import RawRecording
from bonefide.data.raw.pkummd import PKUMMD
from bonefide.types import Array

__all__ = ["LABELS", "files", "list_text", "recording_of", "text", "video"]

LABELS = "12,2,5,2\n1,4,9,1\n"
"""Two actions of a video of nine frames or more; they overlap."""


def video(frames: int = 10, *, seed: int = 0, second: Iterable[int] = ()) -> Array:
    """Coordinates of two bodies, (frames, 2, 25, 3), with 7 significant digits; the second only in some frames."""
    generator = np.random.default_rng([seed, 25])
    joints = generator.normal(size=(1, 2, 25, 3)) * 0.4 + [0, 0, 3]
    joints = joints + 0.05 * generator.normal(size=(frames, 2, 25, 3)).cumsum(axis=0)
    present = np.isin(np.arange(frames), list(second))
    joints[~present, 1] = 0
    return np.array([float(f"{value:.7g}") for value in joints.ravel()]).reshape(joints.shape)


def text(joints: Array, *, end: str = "\n", between: str = " ") -> bytes:
    """A video as its file has it."""
    rows = joints.reshape(len(joints), -1)
    return "".join(between.join(f"{value:.7g}" for value in row) + end for row in rows).encode()


def recording_of(joints: Array, labels: str = LABELS, *, name: str = "0002-M") -> RawRecording:
    """A video and its labels, read."""
    from bonefide.data.raw._pkummd_lists import parse_labels

    return PKUMMD(labels={name: parse_labels(labels.encode())}).read(f"{name}.txt", text(joints))


def list_text(training: Iterable[str], validation: Iterable[str]) -> bytes:
    """An official list, its misspelling included."""
    return f"Training videos: \n{', '.join(training)}\nValidataion videos: \n{', '.join(validation)}\n".encode()


def files(videos: Mapping[str, Array], labels: str = LABELS, *, training: Iterable[str] = ()) -> dict[str, bytes]:
    """All files of a data set: videos and labels in two folders, and a list of those who train for each protocol."""
    made = {f"skeleton/{name}.txt": text(joints) for name, joints in videos.items()}
    made |= {f"label/{name}.txt": labels.encode() for name in videos}
    trains = sorted(training)
    lists = list_text(trains, sorted(set(videos) - set(trains)))
    return {**made, "cross-subject.txt": lists, "cross_view.txt": lists}
