# SPDX-License-Identifier: Apache-2.0
"""Tiny files in the format of UTD-MHAD, sound ones and one for every fault its reader knows."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import scipy.io

NAME = "a8_s1_t3"


def joints(frames: int, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(20, 3, frames))


def content(array: object = None, *, compressed: bool = True, variable: str = "d_skel", **others: object) -> bytes:
    file = io.BytesIO()
    array = joints(6) if array is None else array
    scipy.io.savemat(file, {**others, variable: array}, do_compression=compressed)
    return file.getvalue()


def sound_files() -> dict[str, bytes]:
    names = ["a1_s1_t1", "a10_s2_t1", "a2_s8_t4", NAME, "a27_s5_t2"]
    return {f"{name}_skeleton.mat": content(joints(3 + number)) for number, name in enumerate(names)}


def bomb(size: int) -> bytes:
    """A small file that unpacks to `size` bytes."""
    head = content(compressed=True)[:128]
    pack = zlib.compressobj(9)
    packed = b"".join(pack.compress(bytes(2**20)) for _ in range(size // 2**20)) + pack.flush()
    return head + struct.pack("<II", 15, len(packed)) + packed


def faults() -> dict[str, tuple[str, bytes]]:
    """What is wrong to the expected code and the content of a file called `NAME`."""
    plain = content(compressed=False)
    packed = content()
    huge = bytearray(plain)
    at = huge.index(struct.pack("<III", 20, 3, 6))
    huge[at : at + 12] = struct.pack("<III", 2**30, 2**30, 2**30)
    negative = bytearray(plain)
    negative[at : at + 4] = struct.pack("<i", -20)
    return {
        "nothing": ("empty", b""),
        "text": ("mat", b"no MATLAB file" * 20),
        "HDF5": ("mat", b"\x89HDF\r\n\x1a\n" + bytes(200)),
        "only a header": ("keys", plain[:128]),
        "cut": ("truncated", plain[:-40]),
        "cut and packed": ("truncated", packed[:-40]),
        "cut inside a tag": ("truncated", plain[:132]),
        "damaged packing": ("mat", packed[:150] + bytes(30) + packed[180:]),
        "another variable": ("keys", content(variable="d_iner")),
        "a bomb": ("too_large", bomb(80 * 2**20)),
        "huge declared size": ("truncated", bytes(huge)),
        "negative size": ("truncated", bytes(negative)),
        "complex": ("number", content(joints(3) * 1j)),
        "text for numbers": ("number", content("abc")),
        "a cell": ("number", content(np.array([joints(2)], dtype=object))),
        "a struct": ("number", content({"x": joints(2)})),
        "logical": ("number", content(joints(3) > 0)),
        "25 joints": ("shape", content(np.zeros((25, 3, 4)))),
        "two coordinates": ("shape", content(np.zeros((20, 2, 4)))),
        "rank 4": ("shape", content(np.zeros((20, 3, 4, 2)))),
        "a row": ("shape", content(np.zeros(60))),
        "no frame": ("no_frames", content(np.zeros((20, 3, 0)))),
        "NaN": ("nonfinite", content(np.where(joints(4) > 2, np.nan, np.nan))),
        "infinite": ("nonfinite", content(joints(4) * np.inf)),
    }
