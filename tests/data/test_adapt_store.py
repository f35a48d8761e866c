# SPDX-License-Identifier: Apache-2.0
"""Stores read as a network of another data set takes them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from stores import small_store

from bonefide.data.adapt_store import adapt_store
from bonefide.data.datasets import info
from bonefide.data.preparation import preparation
from bonefide.data.raw._recording import RawBody, RawRecording
from bonefide.data.store import SkeletonStore
from bonefide.data.write_store import Entry, write_store
from bonefide.errors import DataError, RawFileError, ShapeError, UnknownNameError
from bonefide.layouts import SkeletonLayout, layout
from bonefide.layouts.conversion import conversion
from bonefide.types import Array, SkeletonSequence

NTU, UCLA = layout("ntu25"), layout("ucla20")
AS_NTU = {"layout": NTU, "dataset": "ntu60", "preparation": "ntu_agcn", "options": {}}


def one(path: Path, joints: Array, **options: object) -> SkeletonStore:
    entry = Entry(SkeletonSequence("a01_s01_e00_v01", 0, joints), subject=1, camera=1)
    return write_store(path, info("nwucla"), [entry], **options)  # type: ignore[arg-type]


def test_what_was_prepared_alike_is_taken_as_it_is(tmp_path: Path) -> None:
    store = small_store(tmp_path / "store")
    adapted = adapt_store(store, layout=UCLA, dataset="nwucla", preparation="plain", options=store.info.options)
    assert (adapted.step, adapted.inferred) == (None, ())
    for row in range(len(store)):
        np.testing.assert_array_equal(adapted.sequence(row).joints, store.joints(row))


def test_joints_are_converted_then_prepared_as_a_sensor_would_have_given_them(tmp_path: Path) -> None:
    store = small_store(tmp_path / "store", 12, persons=2)
    adapted = adapt_store(store, **AS_NTU)
    assert adapted.inferred == ("neck", "left_hand_tip", "left_thumb", "right_hand_tip", "right_thumb")
    for row in range(len(store)):
        given = store[row]
        wide, _ = conversion(UCLA, NTU).apply(given.joints)
        frames = np.arange(wide.shape[1])
        bodies = tuple(
            RawBody(str(slot), frames, np.full_like(frames, slot), person) for slot, person in enumerate(wide)
        )
        expected = preparation("ntu_agcn")(RawRecording(given.name, given.label, len(frames), None, bodies))
        found = adapted.sequence(row)
        assert (found.name, found.label, found.joints.shape) == (given.name, given.label, (2, 300, 25, 3))
        np.testing.assert_array_equal(found.joints, expected.joints)


def test_preparing_does_not_depend_on_where_the_camera_stood(tmp_path: Path) -> None:
    joints = np.random.default_rng(1).normal(size=(1, 9, 20, 3))
    # In the first frame somebody stands upright, which decides how the clip is turned.
    for name, place in {"hip": (0.1, 0.9), "shoulder": (0.2, 1.4)}.items():
        for side, sign in (("left", -1), ("right", 1)):
            joints[0, 0, UCLA.joints.index(f"{side}_{name}")] = (sign * place[0], place[1], 0)
    joints[0, 0, UCLA.joints.index("shoulder_center")] = (0, 1.4, 0)
    turn = np.array([[0.6, 0, 0.8], [0, 1, 0], [-0.8, 0, 0.6]])
    first = adapt_store(one(tmp_path / "a", joints), **AS_NTU).sequence(0).joints
    moved = adapt_store(one(tmp_path / "b", joints @ turn.T + (1, 2, 3)), **AS_NTU).sequence(0).joints
    np.testing.assert_allclose(moved, first, atol=1e-5)


def test_of_plain_only_the_joints_are_taken_over(tmp_path: Path) -> None:
    store = small_store(tmp_path / "store", 3)
    options = {"to": "ntu25", "scale": 0.001, "up": "z"}
    adapted = adapt_store(store, layout=NTU, dataset="custom", preparation="plain", options=options)
    wide, _ = conversion(UCLA, NTU).apply(store.joints(1))
    np.testing.assert_array_equal(adapted.sequence(1).joints, wide)


def test_the_order_of_a_sensors_files_is_kept(tmp_path: Path) -> None:
    store = small_store(tmp_path / "store", 3)
    adapted = adapt_store(store, layout=UCLA, dataset="utdmhad", preparation="utdmhad", options={})
    np.testing.assert_array_equal(adapted.sequence(0).joints, store.joints(0))


def test_what_the_store_inferred_stays_inferred(tmp_path: Path) -> None:
    store = small_store(tmp_path / "store", 3)
    store.info = dataclasses.replace(store.info, inferred=("left_hand", "head"))
    found = adapt_store(store, **AS_NTU).inferred
    assert found == ("neck", "head", "left_hand", "left_hand_tip", "left_thumb", "right_hand_tip", "right_thumb")
    same = adapt_store(store, layout=UCLA, dataset="nwucla", preparation="plain", options={"scale": 2.0})
    assert same.inferred == ("head", "left_hand")


def test_confidences_go_and_what_they_doubt_is_unknown(tmp_path: Path) -> None:
    joints = np.random.default_rng(0).normal(size=(1, 4, 20, 4))
    joints[..., 3] = 1
    joints[0, 2, 5, 3] = 0
    store = one(tmp_path / "store", joints)
    store.info = dataclasses.replace(store.info, options={"confidence": True})
    adapted = adapt_store(store, layout=UCLA, dataset="custom", preparation="plain", options={})
    found = adapted.sequence(0).joints
    assert found.shape == (1, 4, 20, 3)
    assert not found[0, 2, 5].any()
    others = np.ones((1, 4, 20), dtype=bool)
    others[0, 2, 5] = False
    np.testing.assert_array_equal(found[others], joints[others][:, :3].astype(np.float32))
    assert adapt_store(store, **AS_NTU).sequence(0).joints.shape == (1, 300, 25, 3)


def test_what_cannot_be_adapted(tmp_path: Path) -> None:
    flat = one(tmp_path / "flat", np.ones((1, 4, 20, 2)))
    with pytest.raises(DataError, match="flat has 2 coordinates a joint, and ntu_agcn prepares joints of 3"):
        adapt_store(flat, **AS_NTU)
    arm = SkeletonLayout("arm", ("palm", "forearm"), (1, 1), (0, 1))
    strange = one(tmp_path / "strange", np.ones((1, 4, 2, 3)), layout=arm)
    with pytest.raises(ShapeError, match="no joint of ntu25 follows from those of arm"):
        adapt_store(strange, **AS_NTU)
    store = small_store(tmp_path / "store", 3)
    with pytest.raises(UnknownNameError, match="did you mean 'ntu_agcn'"):
        adapt_store(store, **{**AS_NTU, "preparation": "ntu_agnc"})
    nobody = adapt_store(one(tmp_path / "nobody", np.zeros((1, 4, 20, 3))), **AS_NTU)
    with pytest.raises(RawFileError, match=r"a01_s01_e00_v01: .*\[no_frames\]"):
        nobody.sequence(0)
    with pytest.raises(IndexError):
        nobody.sequence(1)
