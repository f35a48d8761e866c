# SPDX-License-Identifier: Apache-2.0
"""Tiny files in the format of NW-UCLA, sound ones and one for every fault its reader knows."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np

ACTIONS = (1, 2, 3, 4, 5, 6, 8, 9, 11, 12)
NAME = "a02_s09_e04_v02"
"""The recording whose official file has a single frame."""


def skeletons(frames: int, *, seed: int = 0) -> list[list[list[float]]]:
    body = np.random.default_rng(99).normal(size=(1, 20, 3))
    drift = np.random.default_rng(seed).normal(scale=0.05, size=(frames, 20, 3)).cumsum(axis=0)
    return np.round(body + drift + [0, 0, 2.5], 6).tolist()


def content(name: str = NAME, frames: int = 5, **facts: object) -> bytes:
    label = ACTIONS.index(int(name[1:3])) + 1
    return json.dumps({"file_name": name, "skeletons": skeletons(frames), "label": label, **facts}).encode()


def sound_files(count: int = 12) -> dict[str, bytes]:
    """Name of a file to its content; the first has one frame."""
    files = {f"{NAME}.json": content(frames=1)}
    for number in range(1, count):
        name = f"a{ACTIONS[number % 10]:02}_s{number % 5 + 1:02}_e{number % 6:02}_v{number % 3 + 1:02}"
        files[f"{name}.json"] = content(name, frames=2 + number % 9)
    return files


def faults() -> dict[str, tuple[str, bytes]]:
    """What is wrong to the expected code and the content of a file called `NAME`."""
    good = skeletons(3)
    text = content().decode()

    def bent(value: object) -> bytes:
        frames = skeletons(3)
        frames[1][2][0] = value  # type: ignore[assignment]
        return content(skeletons=frames)

    return {
        "nothing": ("empty", b""),
        "blanks": ("empty", b" \n\t"),
        "not text": ("encoding", text.encode("utf-16")),
        "a byte that is not UTF-8": ("encoding", text.encode() + b"\xff"),
        "gzip": ("encoding", b"\x1f\x8b\x08\x00" + bytes(range(200, 255))),
        "cut": ("truncated", text.encode()[:-30]),
        "data after the end": ("json", text.encode() + b"{}"),
        "a NUL": ("json", text.encode() + b"\0"),
        "a list": ("object", b"[1, 2]"),
        "a number": ("object", b"7"),
        "no skeletons": ("keys", json.dumps({"file_name": NAME, "label": 2}).encode()),
        "no label": ("keys", json.dumps({"file_name": NAME, "skeletons": good}).encode()),
        "no file name": ("keys", json.dumps({"label": 2, "skeletons": good}).encode()),
        "a key twice": ("keys", (text[:-1] + ', "label": 2}').encode()),
        "hostile nesting": ("depth", b'{"skeletons": ' + b"[" * 100_000),
        "nested in another key": ("depth", content(extra=[[[[1]]]])),
        "a coordinate that is a list": ("depth", bent([1.0])),
        "no frame": ("no_frames", content(skeletons=[])),
        "19 joints": ("shape", content(skeletons=[frame[:19] for frame in good])),
        "25 joints": ("shape", content(skeletons=[frame + frame[:5] for frame in good])),
        "ragged frames": ("shape", content(skeletons=[good[0], good[1][:19]])),
        "ragged joints": ("shape", content(skeletons=[[[*joint, 0.0] for joint in good[0]], good[1]])),
        "an empty frame": ("shape", content(skeletons=[good[0], []])),
        "skeletons that are no list": ("shape", content(skeletons={"0": good[0]})),
        "a frame that is text": ("shape", content(skeletons=["abc", good[1]])),
        "a frame that is nothing": ("shape", content(skeletons=[None])),
        "true": ("number", bent(True)),
        "null": ("number", bent(None)),
        "a number in quotes": ("number", bent("1.0")),
        "an integer beyond float": ("number", bent(10**400)),
        "an integer of 5000 digits": ("number", content().replace(b"]]]", b"], [" + b"9" * 5000 + b", 0, 0]]]")),
        "NaN": ("nonfinite", bent(float("nan"))),
        "Infinity": ("nonfinite", bent(float("inf"))),
        "a float beyond float": (
            "nonfinite",
            content().replace(b"]]]", b"]], " + b"[[1e999, 0, 0]" + b", [0, 0, 0]" * 19 + b"]]"),
        ),
        "another name": ("file_name", content(file_name="a02_s09_e04_v01")),
        "a name that is a number": ("file_name", content(file_name=2)),
        "another label": ("label", content(label=3)),
        "label 0": ("label", content(label=0)),
        "a label with a point": ("label", content(label=2.0)),
    }


def write_folder(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, each in files.items():
        (folder / name).write_bytes(each)
    return folder


def write_zip(path: Path, files: dict[str, bytes], *, folder: str = "all_sqe/") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, each in files.items():
            archive.writestr(f"{folder}{name}", each)
    return path
