# SPDX-License-Identifier: Apache-2.0
"""UTD-MHAD: one MATLAB file a sequence."""

from __future__ import annotations

import re
from typing import ClassVar

import numpy as np

from bonefide.data.raw._matlab import read_matrix
from bonefide.data.raw._recording import RawBody, RawRecording
from bonefide.errors import RawFileError
from bonefide.types import Array

__all__ = ["UTDMHAD"]

_NAME = re.compile(
    r"(?:.*[/\\])?(?P<name>a(?P<action>[1-9]|1\d|2[0-7])_s(?P<subject>[1-8])_t(?P<repeat>[1-4]))_skeleton\.mat",
    re.ASCII | re.DOTALL,
)
_VARIABLE = "d_skel"
_LIMIT = 64 * 2**20


class UTDMHAD:
    """Reader of the skeletons of UTD-MHAD, `aA_sS_tT_skeleton.mat`.

    A file is a MATLAB 5 file with one variable `d_skel`, 20 joints x 3 x frames. Joints keep the order of the file, in
    which the trunk runs from the head down.

    Shape:
        bodies of a recording: one, `joints` (F, 20, 3) float64 in metres.

    Raises:
        RawFileError: from `read`, with one of the codes `name` (no official file name), `empty`, `mat` (no MATLAB 5
            file, or a damaged one), `truncated`, `too_large` (data that unpack beyond 64 MiB), `keys` (no `d_skel`),
            `number` (not real numbers), `shape` (not 20 x 3 x frames), `no_frames`, `nonfinite` (NaN or infinite).

    Reference:
        Chen, Jafari, Kehtarnavaz. UTD-MHAD: A Multimodal Dataset for Human Action Recognition Utilizing a Depth Camera
        and a Wearable Inertial Sensor. ICIP 2015.

    Differs from the official code:
        There is none that reads skeletons. MATLAB drops the last axis of a single frame; it is put back.

    Example:
        >>> import io
        >>> import scipy.io
        >>> file = io.BytesIO()
        >>> scipy.io.savemat(file, {"d_skel": np.ones((20, 3, 50))})
        >>> recording = UTDMHAD().read("Skeleton/a27_s2_t4_skeleton.mat", file.getvalue())
        >>> recording.name, recording.label, recording.subject, recording.bodies[0].joints.shape
        ('a27_s2_t4', 26, 2, (50, 20, 3))
    """

    layout: ClassVar[str] = "utd20"
    channels: ClassVar[int] = 3
    listed: ClassVar[tuple[str, ...]] = ()

    def matches(self, member: str) -> bool:
        """Whether a file has an official name, in any folder."""
        return _NAME.fullmatch(member) is not None

    def read(self, member: str, content: bytes) -> RawRecording:
        """Read one file.

        Args:
            member: its name, with or without folders; it carries label, subject and repetition.
            content: its bytes.

        Raises:
            RawFileError: if the file is damaged; see the class for the codes.
        """
        match = _NAME.fullmatch(member)
        if match is None:
            raise RawFileError("name", "UTD-MHAD files are called aA_sS_tT_skeleton.mat", path=member)
        joints = _joints(read_matrix(content, _VARIABLE, limit=_LIMIT, path=member), member)
        frames = np.arange(len(joints))
        return RawRecording(
            name=match["name"],
            label=int(match["action"]) - 1,
            frames=len(joints),
            fps=None,
            bodies=(RawBody("0", frames, np.zeros_like(frames), joints),),
            subject=int(match["subject"]),
            repeat=int(match["repeat"]),
        )


def _joints(array: Array, member: str) -> Array:
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[:2] != (20, 3):
        raise RawFileError("shape", f"{_VARIABLE} is {array.shape}, not 20 x 3 x frames", path=member)
    if not array.size:
        raise RawFileError("no_frames", "there is no frame in it", path=member)
    if not np.isfinite(array).all():
        raise RawFileError("nonfinite", "a coordinate is NaN or infinite", path=member)
    return np.ascontiguousarray(array.transpose(2, 0, 1))
