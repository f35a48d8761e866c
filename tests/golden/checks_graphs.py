# SPDX-License-Identifier: Apache-2.0
"""Graphs of the layouts against those of the official code."""

from __future__ import annotations

import not_yet
import numpy as np
from fixture import Fixture

from bonefide.layers.joint_shift import joint_shift
from bonefide.layouts import layout
from bonefide.types import Array

__all__ = ["CHECKS"]


def _expected_of_the_papers() -> dict[str, Array]:
    ntu, ucla, pyskl, coco = (layout(name) for name in ("ntu25", "ucla20", "ntu25_pyskl", "coco17"))
    return {
        "ctr_ntu_spatial": ntu.adjacency("spatial"),
        "ctr_ucla_spatial": ucla.adjacency("spatial"),
        "csre_ntu_spatial": pyskl.adjacency("spatial"),
        "csre_ntu_binary": pyskl.adjacency("binary")[0],
        "stgcn_ntu_uniform_hop1": ntu.adjacency("stgcn_uniform"),
        "stgcn_ntu_distance_hop1": ntu.adjacency("stgcn_distance"),
        "stgcn_ntu_spatial_hop1": ntu.adjacency("stgcn_spatial"),
        "stgcn_ntu_spatial_hop2": ntu.adjacency("stgcn_spatial", max_hop=2),
        "stgcn_ucla_uniform_hop1": ucla.adjacency("stgcn_uniform"),
        "stgcn_ucla_distance_hop1": ucla.adjacency("stgcn_distance"),
        "stgcn_ucla_spatial_hop1": ucla.adjacency("stgcn_spatial"),
        "pyskl_ntu_stgcn_spatial": pyskl.adjacency("stgcn_spatial"),
        "pyskl_ntu_spatial": pyskl.adjacency("spatial"),
        "pyskl_ntu_binary_adj": pyskl.adjacency("binary"),
        "pyskl_coco_stgcn_spatial": coco.adjacency("stgcn_spatial"),
        "pyskl_coco_spatial": coco.adjacency("spatial"),
        "pyskl_coco_binary_adj": coco.adjacency("binary"),
        "imdar_ntu": pyskl.adjacency("row_uniform")[0],
    }


def _expected_of_the_encoders() -> dict[str, Array]:
    ntu, ucla, hands = layout("ntu25"), layout("ucla20"), layout("ntu25_pyskl")
    return {
        "stgcn_ntu_A": ntu.adjacency("stgcn_spatial"),
        "smie_ucla_A": ucla.adjacency("stgcn_spatial"),
        "spatial_ntu_A": ntu.adjacency("spatial"),
        "spatial_ucla_A": ucla.adjacency("spatial"),
        "spatial_ntu_hands_A": hands.adjacency("spatial"),
        "hops_ntu_hands": hands.hops(),
        "hops_ucla": ucla.hops(),
    } | {
        f"shift_{way}_V{joints}_C{channels}": joint_shift(joints, channels, back=way == "out").numpy()
        for way in ("in", "out")
        for joints in (25, 20)
        for channels in (3, 64)
    }


def _compare(fixture: Fixture, ours: dict[str, Array]) -> None:
    left_out = tuple(not_yet.ARRAYS.get(fixture.name, {}))
    official = {key.removeprefix("output/"): key for key in fixture.arrays if not key.startswith(left_out)}
    assert set(ours) == set(official), "every array is checked, or listed in not_yet.ARRAYS"
    for name, key in official.items():
        expected = fixture.arrays[key]
        tolerance = {"f8": 1e-12, "f4": 1e-7}.get(expected.dtype.str[1:], 0)
        assert ours[name].shape == expected.shape, name
        np.testing.assert_allclose(ours[name], expected, rtol=0, atol=tolerance, err_msg=name)


def _check_graphs(fixture: Fixture) -> None:
    _compare(fixture, _expected_of_the_papers())


def _check_constant_matrices(fixture: Fixture) -> None:
    _compare(fixture, _expected_of_the_encoders())


CHECKS = {"data_graphs": _check_graphs, "encoders_graphs": _check_constant_matrices}
