# SPDX-License-Identifier: Apache-2.0
"""Recordings of one's own in every form, made in memory."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

from bonefide.data.raw.arrays import Arrays
from bonefide.errors import RawFileError
from bonefide.layouts import SkeletonLayout
from bonefide.types import Array

ARM = SkeletonLayout("arm", ("left_hand", "left_elbow", "shoulder", "head"), (1, 2, 2, 2), (0, 1, 2, 3))
TWO = np.random.default_rng(5).normal(size=(2, 6, 4, 3))
ONE = TWO[:1]


def npy(array: Array, **options: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def text(joints: Array, *, names: bool = False, delimiter: str = ",") -> bytes:
    """One person, a row a frame."""
    header = [f"{joint}_{axis}" for joint in ARM.joints for axis in "xyz"[: joints.shape[-1]]]
    rows = [delimiter.join(header)] * names
    rows += [delimiter.join(repr(float(number)) for number in frame.ravel()) for frame in joints]
    return ("\n".join(rows) + "\n").encode()


def long(joints: Array, *, named: bool = True, first: int = 0) -> bytes:
    """A row a joint."""
    rows = ["frame,person,joint,x,y,z"]
    for person, frame, joint in np.ndindex(*joints.shape[:3]):
        name = ARM.joints[joint] if named else joint
        numbers = ",".join(map(repr, joints[person, frame, joint].tolist()))
        rows.append(f"{frame + first},{'AB'[person]},{name},{numbers}")
    return "\n".join(rows).encode()


def fault(content: bytes, member: str = "a.npy", of: Arrays | None = None) -> RawFileError:
    with pytest.raises(RawFileError) as caught:
        (of or Arrays(ARM)).read(member, content)
    assert str(caught.value).startswith(member)
    return caught.value
