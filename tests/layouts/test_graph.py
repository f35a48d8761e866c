# SPDX-License-Identifier: Apache-2.0
"""Graphs of any tree: what holds for all of them, and the oddity of ST-GCN joint by joint."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonefide.errors import ShapeError, UnknownNameError
from bonefide.layouts import layout
from bonefide.layouts.graph import Edges, Strategy, adjacency, hops

STGCN = ("stgcn_uniform", "stgcn_distance", "stgcn_spatial", "stgcn_spatial_true")


@st.composite
def trees(draw: st.DrawFn) -> tuple[int, Edges, int]:
    """Number of joints, bones (child, parent), root: every joint hangs on an earlier one, then all are renamed."""
    joints = draw(st.integers(1, 12))
    parents = [draw(st.integers(0, joint - 1)) for joint in range(1, joints)]
    names = draw(st.permutations(range(joints)))
    edges = tuple((names[child], names[parent]) for child, parent in enumerate(parents, 1))
    return joints, edges, names[0]


def _walked(joints: int, edges: Edges, start: int) -> list[int]:
    """Distances from one joint, by walking outwards."""
    near: dict[int, set[int]] = {joint: set() for joint in range(joints)}
    for child, parent in edges:
        near[child].add(parent)
        near[parent].add(child)
    distance, front = {start: 0}, [start]
    for here in front:
        for joint in near[here] - set(distance):
            distance[joint] = distance[here] + 1
            front.append(joint)
    return [distance[joint] for joint in range(joints)]


@given(trees())
def test_hops_are_the_shortest_ways(tree: tuple[int, Edges, int]) -> None:
    joints, edges, _ = tree
    found = hops(joints, edges)
    assert found.dtype == np.int64
    assert found.tolist() == [_walked(joints, edges, start) for start in range(joints)]


@given(trees())
def test_spatial_is_self_inward_outward(tree: tuple[int, Edges, int]) -> None:
    joints, edges, root = tree
    itself, inward, outward = adjacency(joints, edges, root, "spatial")
    assert np.array_equal(itself, np.eye(joints))
    assert set(zip(*np.nonzero(inward), strict=True)) == {(parent, child) for child, parent in edges}
    assert set(zip(*np.nonzero(outward), strict=True)) == set(edges)
    assert inward.sum(axis=0)[root] == 0
    assert inward.sum() == joints - 1
    for stack in (inward, outward):
        assert np.all(np.isclose(stack.sum(axis=0), 1) | (stack.sum(axis=0) == 0))


@given(trees())
def test_columns_or_rows_sum_to_one(tree: tuple[int, Edges, int]) -> None:
    joints, edges, root = tree
    uniform, rows = (adjacency(joints, edges, root, strategy)[0] for strategy in ("uniform", "row_uniform"))
    np.testing.assert_allclose(uniform.sum(axis=0), 1)
    np.testing.assert_allclose(rows.sum(axis=1), 1)
    assert np.array_equal(uniform, rows.T)
    assert np.array_equal(uniform > 0, hops(joints, edges) <= 1)


@given(trees())
def test_binary_is_symmetric_without_self(tree: tuple[int, Edges, int]) -> None:
    joints, edges, root = tree
    (binary,) = adjacency(joints, edges, root, "binary")
    assert np.array_equal(binary, binary.T)
    assert np.array_equal(binary, hops(joints, edges) == 1)


@given(trees(), st.integers(1, 4), st.sampled_from(STGCN))
def test_stgcn_parts_add_up_to_the_whole(tree: tuple[int, Edges, int], max_hop: int, strategy: Strategy) -> None:
    joints, edges, root = tree
    split = adjacency(joints, edges, root, strategy, max_hop=max_hop)
    sizes = {"stgcn_uniform": 1, "stgcn_distance": max_hop + 1}
    assert len(split) == sizes.get(strategy, 2 * max_hop + 1)
    (whole,) = adjacency(joints, edges, root, "stgcn_uniform", max_hop=max_hop)
    np.testing.assert_allclose(split.sum(axis=0), whole)
    np.testing.assert_allclose(whole.sum(axis=0), 1)
    assert np.all((split > 0).sum(axis=0) <= 1)


@given(trees())
def test_true_spatial_partition_knows_the_direction_of_every_bone(tree: tuple[int, Edges, int]) -> None:
    joints, edges, root = tree
    _, farther, nearer = adjacency(joints, edges, root, "stgcn_spatial_true")
    assert set(zip(*np.nonzero(farther), strict=True)) == set(edges)
    assert set(zip(*np.nonzero(nearer), strict=True)) == {(parent, child) for child, parent in edges}


def test_released_spatial_partition_knows_the_centre_only() -> None:
    """The pairs the released weights of ST-GCN were trained with, 0-based."""
    _, _, nearer = layout("ntu25").adjacency("stgcn_spatial")
    expected = {(1, 0), (2, 3), (4, 5), (8, 9), (20, 1), (20, 2), (20, 4), (20, 8)}
    assert set(zip(*np.nonzero(nearer), strict=True)) == expected
    _, _, nearer = layout("ucla20").adjacency("stgcn_spatial")
    assert set(zip(*np.nonzero(nearer), strict=True)) == {(1, 0), (2, 1), (2, 3), (2, 4), (2, 8), (4, 5), (8, 9)}


def test_farthest_joints() -> None:
    assert layout("ntu25_pyskl").hops().max() == 11
    assert layout("ucla20").hops().max() == 10


@pytest.mark.parametrize("strategy", get_args(Strategy))
def test_every_strategy_gives_finite_float64(strategy: Strategy) -> None:
    stack = layout("coco17").adjacency(strategy)
    assert stack.dtype == np.float64
    assert stack.shape[1:] == (17, 17)
    assert np.isfinite(stack).all()


def test_unknown_strategy() -> None:
    with pytest.raises(UnknownNameError, match="graph strategies: no 'spatia'; did you mean 'spatial'"):
        adjacency(2, ((0, 1),), 1, "spatia")  # type: ignore[arg-type]


def test_reach_below_one() -> None:
    with pytest.raises(ShapeError, match="max_hop must be at least 1, got 0"):
        layout("ntu25").adjacency("stgcn_spatial", max_hop=0)
