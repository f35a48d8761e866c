# SPDX-License-Identifier: Apache-2.0
"""What no preparation of Kinect v2 recordings accepts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bonefide.data.preparation._bodies import Track
from bonefide.data.raw._recording import RawBody
from bonefide.errors import RawFileError

__all__ = ["check_bodies"]


def check_bodies(
    name: str,
    bodies: Sequence[Track] | Sequence[RawBody],
    *,
    dtype: str = "float32",
    finite: bool = True,
    advice: str = "",
) -> None:
    """Refuse bodies of other joints, and coordinates that are not finite.

    Args:
        name: of the recording, for the message.
        bodies: its bodies, or its tracks.
        dtype: type in which the coordinates must be finite.
        finite: whether they must.
        advice: what to do about coordinates that are not, for the message.

    Raises:
        RawFileError: `joints` if a body does not have 25 of three coordinates; `nonfinite`.
    """
    for body in bodies:
        if body.joints.shape[1:] != (25, 3):
            raise RawFileError("joints", f"a body needs 25 joints of x y z, got {body.joints.shape[1:]}", path=name)
        with np.errstate(over="ignore"):
            sound = not finite or np.isfinite(body.joints.astype(dtype, copy=False)).all()
        if not sound:
            raise RawFileError(
                "nonfinite", f"body {body.id} has coordinates that are not finite in {dtype}{advice}", path=name
            )
