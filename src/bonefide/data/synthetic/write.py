# SPDX-License-Identifier: Apache-2.0
"""A whole made-up data set in an on-disk form that others define."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from bonefide.data.synthetic.actions import PROGRAMS
from bonefide.data.synthetic.bvh_text import BVH
from bonefide.data.synthetic.coco_json import COCO
from bonefide.data.synthetic.form import Form, Order
from bonefide.data.synthetic.matlab_file import UTDMHAD
from bonefide.data.synthetic.mediapipe_json import MEDIAPIPE
from bonefide.data.synthetic.ntu_files import NTU
from bonefide.data.synthetic.nwucla_json import NWUCLA
from bonefide.data.synthetic.openpose_json import OPENPOSE
from bonefide.data.synthetic.pku_archives import PKUMMD1, PKUMMD2
from bonefide.data.synthetic.pyskl_pickle import PYSKL, PYSKL2D
from bonefide.errors import DataError, UnknownNameError

__all__ = ["Format", "synthesize"]

Format = Literal[
    "ntu", "nwucla", "pkummd1", "pkummd2", "utdmhad", "pyskl", "pyskl2d", "openpose", "mediapipe", "coco", "bvh"
]
"""A form; see `synthesize`."""

_FORMS: Mapping[str, Form] = {
    "ntu": NTU,
    "nwucla": NWUCLA,
    "pkummd1": PKUMMD1,
    "pkummd2": PKUMMD2,
    "utdmhad": UTDMHAD,
    "pyskl": PYSKL,
    "pyskl2d": PYSKL2D,
    "openpose": OPENPOSE,
    "mediapipe": MEDIAPIPE,
    "coco": COCO,
    "bvh": BVH,
}


def synthesize(
    format: Format,
    out: str | Path,
    *,
    subjects: int = 20,
    repeats: int = 1,
    cameras: int | None = None,
    seed: int = 0,
    actions: Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write made-up recordings. The same arguments give the same bytes; another seed gives other people.

    Forms of data sets:

    - `ntu`: zip of `.skeleton` files of NTU RGB+D; every action.
    - `nwucla`: zip of JSON files of Northwestern-UCLA; the ten actions that correspond to its classes, 20 joints.
    - `pkummd1`, `pkummd2`: folder with the two 7z archives of PKU-MMD (text of 150 numbers a frame; labels) and the two
      lists of training and validation videos; the 21 actions that correspond to its classes. Every person makes
      `repeats` videos of several actions with pauses between.

    - `utdmhad`: zip of the MATLAB files of UTD-MHAD; the eight actions that correspond to its classes, one camera.
    - `pyskl`, `pyskl2d`: pickle as PYSKL reads it, with both splits; 25 joints, or 17 keypoints of pictures.

    They carry the official codes of the classes; `ntu` and `pyskl` number all actions as the data set `synthetic` does.

    Forms of pose estimators and motion capture, every action, zips with a table `labels.csv` (name, label, subject,
    camera, split):

    - `openpose`: a folder a clip, a JSON file a frame, BODY_25 in pixels.
    - `mediapipe`: a JSON file a clip, 33 landmarks in the picture and in metres around the hips.
    - `coco`: a JSON file a clip as MMPose writes it, 17 keypoints in pixels.
    - `bvh`: a motion capture file a person, joint angles, centimetres, no camera.

    Every recording of a performance by another camera has its own noise.

    Args:
        format: form to write.
        out: path of the file, or of the folder for PKU-MMD; a file appears when it is complete.
        subjects: number of people, 1 to 106 or 99, what the names of the files have room for.
        repeats: how often everyone performs every action, at least 1; with PKU-MMD the number of videos of everyone.
        cameras: how many cameras look on, 1 to 3; only 1 with `utdmhad` and `bvh`; all if left out.
        seed: of everything.
        actions: only these, with blanks, hyphens or underscores; labels stay those of the whole set.
        progress: told the number of recordings written and of all recordings, after every one.

    Returns:
        The path of the file or folder.

    Raises:
        UnknownNameError: if there is no such format or action.
        DataError: if a number is out of range, or an action does not exist in that format.
        OutputError: if something cannot be written; a file that stood there before is kept.
    """
    if format not in _FORMS:
        raise UnknownNameError("formats", str(format), _FORMS)
    form = _FORMS[format]
    cameras = form.cameras if cameras is None else cameras
    _check("subjects", subjects, form.subjects)
    _check("repeats", repeats, form.repeats)
    _check("cameras", cameras, form.cameras)
    if seed < 0:
        raise DataError(f"seed must be at least 0, got {seed}")
    order = Order(_chosen(format, form, actions), subjects, repeats, cameras, seed, progress or _silent)
    path = Path(out)
    form.write(order, path)
    return path


def _check(name: str, number: int, most: int) -> None:
    if not 1 <= number <= most:
        allowed = f"between 1 and {most}" if most > 1 else "1 in this format"
        raise DataError(f"{name} must be {allowed}, got {number}")


def _chosen(format: str, form: Form, actions: Sequence[str] | None) -> tuple[str, ...]:
    there = tuple(form.classes)
    if actions is None:
        return there
    chosen = [action.strip().replace("_", " ").replace("-", " ") for action in actions]
    for action in chosen:
        if action not in PROGRAMS:
            raise UnknownNameError("synthetic actions", action, PROGRAMS)
        if action not in there:
            raise DataError(f"format {format} has no class for '{action}'; it has: {', '.join(there)}")
    if not chosen:
        raise DataError("no action given; name one or leave the option out for all")
    return tuple(action for action in there if action in chosen)


def _silent(_done: int, _total: int) -> None:
    """Tell nobody."""
