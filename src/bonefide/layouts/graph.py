# SPDX-License-Identifier: Apache-2.0
"""Graphs of a skeleton: hop distances, adjacency, and the papers' ways to partition and normalise it.

Everything is derived from the tree of a layout; nothing here knows a joint by name.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from bonefide.errors import ShapeError, UnknownNameError
from bonefide.types import Array

__all__ = ["Strategy", "adjacency", "hops"]

Strategy = Literal[
    "spatial",
    "uniform",
    "row_uniform",
    "binary",
    "stgcn_uniform",
    "stgcn_distance",
    "stgcn_spatial",
    "stgcn_spatial_true",
]

Edges = tuple[tuple[int, int], ...]


def hops(joints: int, edges: Edges) -> Array:
    """Shortest path lengths along the bones, in either direction.

    Args:
        joints: number of joints V.
        edges: pairs (child, parent), 0-based, connecting all joints.

    Shape:
        returned: (V, V) int64.
    """
    distance = np.full((joints, joints), joints, dtype=np.int64)
    np.fill_diagonal(distance, 0)
    for child, parent in edges:
        distance[child, parent] = distance[parent, child] = 1
    for middle in range(joints):
        distance = np.minimum(distance, distance[:, middle, None] + distance[None, middle])
    return distance


def adjacency(joints: int, edges: Edges, center: int, strategy: Strategy, *, max_hop: int = 1) -> Array:
    """A stack of adjacency matrices, partitioned as a paper does.

    `spatial` (2s-AGCN, CTR-GCN): identity, inward (entry [parent, child]), outward; columns sum to 1 or 0.
    `uniform` (CTR-GCN): neighbours and self in one matrix; columns sum to 1.
    `row_uniform` (descriptor GD): the same, but rows sum to 1.
    `binary` (PYSKL): neighbours, 0 or 1, without self.
    `stgcn_uniform`, `stgcn_distance`, `stgcn_spatial` (ST-GCN): neighbours up to `max_hop` hops and self, columns
    normalised, then split not at all, by hop, or by hop and by whether the source is farther from the centre.
    `stgcn_spatial_true` is what the ST-GCN paper describes.

    Args:
        joints: number of joints V.
        edges: pairs (child, parent), 0-based.
        center: joint the distances of the ST-GCN partition refer to.
        strategy: one of the above.
        max_hop: reach of the ST-GCN strategies, at least 1.

    Shape:
        returned: (S, V, V) float64; S = 3, 1, 1, 1, 1, max_hop + 1, 2 max_hop + 1, 2 max_hop + 1.

    Raises:
        UnknownNameError: if the strategy is none of these.
        ShapeError: if `max_hop` is below 1.

    Reference:
        Yan, Xiong, Lin. Spatial Temporal Graph Convolutional Networks for Skeleton-Based Action Recognition. AAAI 2018.

    Differs from the official code:
        `stgcn_spatial` reproduces that distances to the centre are known only up to `max_hop` and that everything
        farther counts as equally far, because all released weights do; `stgcn_spatial_true` uses true distances.
    """
    if strategy not in get_args(Strategy):
        raise UnknownNameError("graph strategies", strategy, get_args(Strategy))
    if max_hop < 1:
        raise ShapeError(f"max_hop must be at least 1, got {max_hop}")
    inward = np.zeros((joints, joints))
    for child, parent in edges:
        inward[parent, child] = 1
    if strategy == "spatial":
        return np.stack([np.eye(joints), _normalize_columns(inward), _normalize_columns(inward.T)])
    if strategy == "binary":
        return (inward + inward.T)[None]
    distance = hops(joints, edges)
    if strategy == "uniform":
        return _normalize_columns((distance <= 1).astype(np.float64))[None]
    if strategy == "row_uniform":
        return _normalize_columns((distance <= 1).astype(np.float64)).T[None]
    return _stgcn(distance, distance[:, center].astype(np.float64), strategy, max_hop)


def _stgcn(distance: Array, to_center: Array, strategy: Strategy, max_hop: int) -> Array:
    normalized = _normalize_columns((distance <= max_hop).astype(np.float64))
    if strategy == "stgcn_uniform":
        return normalized[None]
    rings = [np.where(distance == hop, normalized, 0) for hop in range(max_hop + 1)]
    if strategy == "stgcn_distance":
        return np.stack(rings)
    if strategy == "stgcn_spatial":
        to_center = np.where(to_center > max_hop, np.inf, to_center)
    nearer = to_center[:, None] < to_center[None, :]
    split = [rings[0]]
    for ring in rings[1:]:
        split += [np.where(nearer, 0, ring), np.where(nearer, ring, 0)]
    return np.stack(split)


def _normalize_columns(matrix: Array) -> Array:
    total = matrix.sum(axis=0)
    return matrix / np.where(total == 0, 1, total)
