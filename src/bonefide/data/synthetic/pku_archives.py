# SPDX-License-Identifier: Apache-2.0
"""The forms `pkummd1` and `pkummd2`: PKU-MMD's two 7z archives of text and its lists of videos, in one folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bonefide.data.raw._recording import RawBody
from bonefide.data.synthetic._archives import seven_zip_archive
from bonefide.data.synthetic.form import Form, Order
from bonefide.data.synthetic.pku_video import Span, Video, video
from bonefide.data.synthetic.sensor import camera, observe
from bonefide.data.synthetic.take import trains
from bonefide.errors import OutputError
from bonefide.types import Array
from bonefide.writing import write_file

__all__ = ["PKUMMD1", "PKUMMD2"]

# Places in the alphabetical list of the 51 official classes. Left out, because no official class is the same: punch
# (strikes the air, officially another person), squat, walk around, carry, high five.
_CLASSES = {
    "bow": 1,
    "cheer": 5,
    "clap": 6,
    "drink": 8,
    "drop trash": 9,
    "wave": 13,
    "shake hands": 14,
    "hug": 16,
    "jump": 17,
    "kick": 19,
    "phone call": 20,
    "pick up with one hand": 22,
    "pick up with two hands": 22,
    "push": 27,
    "put on a hat": 28,
    "salute": 32,
    "sit down": 33,
    "stand up": 34,
    "take off a jacket": 37,
    "throw": 41,
    "put on a jacket": 48,
}
# The left camera stands on the performer's left.
_VIEWS = {1: "M", 2: "L", 3: "R"}
_TRAINING_VIEWS = "MR"
_SETUPS = 4
_SLOTS = 2
_CERTAIN = 2
_LINE = " ".join(["%.7g"] * 150)


@dataclass(frozen=True)
class _Phase:
    """What differs between the two phases.

    Args:
        name: of a video, from subject, repetition and number of repetitions.
        actions: least and largest number of actions of a video.
        lists: names of the files that say who trains: by subject, by view.
        shift: added to a video's repetition, so that no performance is in both phases.
    """

    name: Callable[[int, int, int], str]
    actions: tuple[int, int]
    lists: tuple[str, str]
    shift: int = 0


_FIRST = _Phase(
    lambda subject, repeat, repeats: f"{(subject - 1) * repeats + repeat + 1:04}",
    (8, 20),
    ("cross-subject.txt", "cross-view.txt"),
)
_SECOND = _Phase(
    lambda subject, repeat, _: f"A{repeat:02}N{subject:02}", (5, 10), ("cross_subject_v2.txt", "cross_view_v2.txt"), 100
)


def _write_first(order: Order, out: Path) -> None:
    _write(_FIRST, order, out)


def _write_second(order: Order, out: Path) -> None:
    _write(_SECOND, order, out)


def _write(phase: _Phase, order: Order, out: Path) -> None:
    """One video a person and repetition, seen by every camera; labels and lists beside it."""
    if out.exists() and not out.is_dir():
        raise OutputError(f"cannot write {out}: a file has that name; give the path of a folder")
    views = sorted(range(1, order.cameras + 1), key=_VIEWS.__getitem__)
    training: tuple[list[str], list[str]] = ([], [])
    testing: tuple[list[str], list[str]] = ([], [])
    done, total = 0, order.subjects * order.repeats * order.cameras
    with seven_zip_archive(out / "PKU_Skeleton.7z") as skeletons, seven_zip_archive(out / "Label_PKU.7z") as labels:
        for name, subject, repeat in _videos(phase, order):
            made = _perform(phase, order, subject, repeat)
            for view in views:
                stem = f"{name}-{_VIEWS[view]}"
                skeletons.add(f"skeleton/{stem}.txt", _skeleton_text(_seen(made, order.seed, subject, repeat, view)))
                labels.add(f"label/{stem}.txt", _label_text(made.spans))
                for part, learns in enumerate((trains(subject), _VIEWS[view] in _TRAINING_VIEWS)):
                    (training if learns else testing)[part].append(stem)
                done += 1
                order.progress(done, total)
    for part, file in enumerate(phase.lists):
        write_file(out / file, _list_text(training[part], testing[part]))


def _videos(phase: _Phase, order: Order) -> list[tuple[str, int, int]]:
    """Name, subject and repetition of every video, by name."""
    return sorted(
        (phase.name(subject, repeat, order.repeats), subject, repeat)
        for subject in range(1, order.subjects + 1)
        for repeat in range(1, order.repeats + 1)
    )


def _perform(phase: _Phase, order: Order, subject: int, repeat: int) -> Video:
    least, most = phase.actions
    again = repeat + phase.shift
    count = int(np.random.default_rng([order.seed, 67867967, subject, again]).integers(least, most + 1))
    return video(order.actions, count, seed=order.seed, subject=subject, repeat=again)


def _seen(made: Video, seed: int, subject: int, repeat: int, view: int) -> Array:
    """What a camera makes of a video: two bodies a frame, absent ones zero, (T, 150)."""
    generator = np.random.default_rng([seed, 86028121, subject, repeat, view])
    look = camera(view, (subject - 1) // 2 % _SETUPS + 1, seed=seed)
    always = list(observe(look(made.performer)[None], generator))
    before: list[RawBody] = []
    behind: list[RawBody] = []
    for first, points in made.partners:
        body = observe(look(points)[None], generator, alone=True)[0]
        part = body.frames + first
        inside = part < len(made.performer)
        body = RawBody(body.id, part[inside], body.slots[inside], body.joints[inside])
        (before if generator.random() < 0.5 else behind).append(body)
    rows = np.zeros((len(made.performer), _SLOTS + 1, 75))
    taken = np.zeros(len(rows), dtype=np.int64)
    for body in (*before, *always, *behind):
        # What finds both places taken falls into a third one that is cut off.
        rows[body.frames, np.minimum(taken[body.frames], _SLOTS)] = body.joints.reshape(-1, 75)
        taken[body.frames] += 1
    return rows[:, :_SLOTS].reshape(len(rows), -1)


def _skeleton_text(rows: Array) -> bytes:
    # Adding zero turns -0 into 0.
    return "".join(_LINE % tuple(row) + "\n" for row in (rows + 0.0).tolist()).encode("ascii")


def _label_text(spans: Sequence[Span]) -> bytes:
    """Class, first and last frame counted from 1, confidence."""
    lines = [f"{_CLASSES[span.action]},{span.first + 1},{span.last + 1},{_CERTAIN}\n" for span in spans]
    return "".join(lines).encode("ascii")


def _list_text(training: Sequence[str], testing: Sequence[str]) -> str:
    # The misspelling is official.
    return f"Training videos: \n{', '.join(training)}\nValidataion videos: \n{', '.join(testing)}\n"


PKUMMD1 = Form(_write_first, _CLASSES, 99, 99, folder=True)
"""Phase I: videos of 8 to 20 actions, `XXXX-V`.

Whether the official frame numbers count from 0 or 1, and which views train, is not known here; these count from 1, the
last frame included, and the middle and the right view train.
"""

PKUMMD2 = Form(_write_second, _CLASSES, 99, 99, folder=True)
"""Phase II: shorter videos of 5 to 10 actions, `AaaNnn-V`, aa the repetition, nn the person; otherwise like phase I."""
