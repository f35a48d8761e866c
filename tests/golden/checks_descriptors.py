# SPDX-License-Identifier: Apache-2.0
"""Descriptors of skeleton sequences, their images, and what is read for them, against the official generator."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import numpy as np
from fixture import Fixture

from bonefide.data import datasets
from bonefide.data.descriptor_png import png_names
from bonefide.data.preparation.ntu_slots import NTUSlots
from bonefide.data.raw.ntu import NTU
from bonefide.data.store import SkeletonStore
from bonefide.data.write_store import Entry, write_store
from bonefide.descriptors import describe, names
from bonefide.descriptors._pixels import quantized, resized
from bonefide.descriptors.add import add
from bonefide.descriptors.center import center
from bonefide.descriptors.gd import gd
from bonefide.descriptors.jdd import jdd
from bonefide.descriptors.lad import lad
from bonefide.layouts import layout
from bonefide.types import Array, SkeletonSequence

__all__ = ["CHECKS"]

FUNCTIONS = {"gd": gd, "jdd": jdd, "add": add, "lad": lad}
PROTOCOLS = {"ntu60": {"xsub": "csub", "xview": "cview"}, "ntu120": {"xsub": "csub", "xset": "csetup"}}


def _check_descriptors(fixture: Fixture) -> None:
    given = fixture.arrays["input/joints"].astype(np.float64)
    joints = given if given.ndim == 4 else given[None]
    skeleton = layout("ucla20" if fixture.meta["dataset"] == "ucla" else "ntu25")
    centered = center(joints, skeleton)
    unseen = set(fixture.arrays) - {"input/joints", "output/fdd_img"}
    if "output/centre" in unseen:
        np.testing.assert_array_equal(joints[0, 0, 1] - centered[0, 0, 1], fixture.arrays["output/centre"])
        unseen.remove("output/centre")
    images = describe(names(), [joints], skeleton)
    for name, function in FUNCTIONS.items():
        raw = function(centered, skeleton)
        native = quantized(raw.copy(), np.array([raw.shape[1]]))
        if raw.size:
            expected = fixture.arrays[f"output/{name}_raw"]
            assert raw.dtype == expected.dtype, name
            # GD adds in the official order, bit by bit; the official squares of the others are powers.
            np.testing.assert_allclose(raw, expected, rtol=0, atol=0 if name == "gd" else 1e-12, err_msg=name)
        np.testing.assert_array_equal(native, fixture.arrays[f"output/{name}_q"], name)
        np.testing.assert_array_equal(images[name][0], fixture.arrays[f"output/{name}_img"], name)
        unseen -= {f"output/{name}_{what}" for what in ("raw", "q", "img")}
    np.testing.assert_array_equal(images["fdd"][0], fixture.arrays["output/fdd_img"])
    assert not unseen, "every array is checked"


def _check_resize(fixture: Fixture) -> None:
    for name in fixture.arrays:
        if name.startswith("input/"):
            pixels = fixture.arrays[name]
            ours = resized(pixels, np.array([pixels.shape[1]]), 112)[0]
            np.testing.assert_array_equal(ours, fixture.arrays[name.replace("input/", "output/")], name)


def _check_splits(fixture: Fixture) -> None:
    given = fixture.arrays["input/names"]
    expected = dict(fixture.arrays)
    del expected["input/names"]
    for dataset, protocols in PROTOCOLS.items():
        with tempfile.TemporaryDirectory() as folder:
            store = _named(Path(folder) / "store", dataset, given.tolist())
            assert store.names.tolist() == given.tolist()
            for protocol, official in protocols.items():
                for part, images in png_names(store, protocol).items():
                    rows = expected.pop(f"output/{dataset}_{official}_{part}")
                    np.testing.assert_array_equal(list(images.values()), rows)
                    assert list(images) == expected.pop(f"output/{dataset}_{official}_{part}_png").tolist()
    assert not expected


def _named(place: Path, dataset: str, given: list[str]) -> SkeletonStore:
    """A store of nothing but names; those of the fixture are of all 120 classes, whatever the data set."""
    known = dataclasses.replace(datasets.info(dataset), classes=datasets.info("ntu120").classes)
    numbers = [{letter: int(name[name.index(letter) :][1:4]) for letter in "SCPA"} for name in given]
    entries = [
        Entry(
            SkeletonSequence(name, number["A"] - 1, np.ones((1, 1, 25, 3))),
            subject=number["P"],
            camera=number["C"],
            setup=number["S"],
        )
        for name, number in zip(given, numbers, strict=True)
    ]
    return write_store(place, known, entries, layout=NTUSlots.layout, dtype=NTUSlots.dtype)


def _check_reading(fixture: Fixture) -> None:
    """Coordinates as the official reader has them; it keeps places in colour and depth images too, which we do not."""
    recording = NTU().read("S001C001P001R001A001.skeleton", fixture.arrays["input/text_utf8"].tobytes())
    official = np.stack([fixture.arrays[f"output/skel_body{body}"] for body in range(2)])
    np.testing.assert_array_equal(NTUSlots(empty="zeros")(recording).joints, _moved(official))
    listed = np.bincount(np.concatenate([body.frames for body in recording.bodies]), minlength=recording.frames)
    assert listed[listed > 0].tolist() == fixture.arrays["output/nbodys"].tolist()


def _moved(bodies: Array) -> Array:
    present = bodies.any(axis=(2, 3), keepdims=True)
    return np.where(present, bodies - bodies[0, 0, 1], 0)


CHECKS = {
    "descriptors_ntu_": _check_descriptors,
    "descriptors_ucla_": _check_descriptors,
    "descriptors_resize": _check_resize,
    "descriptors_splits": _check_splits,
    "descriptors_txt2npy": _check_reading,
}
