# SPDX-License-Identifier: Apache-2.0
"""The streams of the multi-stream papers: joints, bones, and the motion of either."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Literal, get_args

import numpy as np

from bonefide.errors import ShapeError, UnknownNameError
from bonefide.layouts import SkeletonLayout
from bonefide.types import Array

__all__ = ["Modality"]

Stream = Literal["joint", "bone", "joint_motion", "bone_motion"]
Root = Literal["zero", "absolute"]


@dataclass(frozen=True)
class Modality:
    """Turn joint coordinates into one stream.

    A bone is a joint minus its parent in the layout; the motion of a frame is the next frame minus this one, zero in
    the last. Bones first, then motion. Motion does not commute with resizing in time, so where this stands in a chain
    matters: the CTR-GCN family puts it last.

    Args:
        stream: "joint", "bone", "joint_motion" or "bone_motion".
        layout: whose parents make the bones.
        root: "zero": joints are left as they are, and the root's bone is zero (CTR-GCN). "absolute": joints are taken
            relative to the root joint of their frame, and in both streams the root keeps its own coordinates
            (Hyperformer, BlockGCN, CSRE).

    Shape:
        clip: (C, T, V, M).
        returned: (C, T, V, M), type as given; absent persons stay zeros.

    Raises:
        ShapeError: if the clip has another number of joints than the layout.
        UnknownNameError: if there is no such stream or root.

    Reference:
        Shi et al., Two-Stream Adaptive Graph Convolutional Networks for Skeleton-Based Action Recognition, CVPR 2019,
        arXiv:1805.07694; motions: Shi et al., Skeleton-Based Action Recognition with Multi-Stream Adaptive Graph
        Convolutional Networks, 2020, arXiv:1912.06971.

    Differs from the official code:
        Nothing known.

    Example:
        >>> arm = SkeletonLayout("arm", ("hand", "elbow", "shoulder"), (1, 2, 2), (0, 1, 2))
        >>> clip = np.array([[7.0, 4.0, 2.0], [9.0, 5.0, 2.0]]).reshape(1, 2, 3, 1)
        >>> Modality("bone", layout=arm)(clip, np.random.default_rng(0))[0, :, :, 0].tolist()
        [[3.0, 2.0, 0.0], [4.0, 3.0, 0.0]]
        >>> Modality("bone_motion", layout=arm)(clip, np.random.default_rng(0))[0, :, :, 0].tolist()
        [[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """

    stream: Stream
    _: KW_ONLY
    layout: SkeletonLayout
    root: Root = "zero"

    def __post_init__(self) -> None:
        if self.stream not in get_args(Stream):
            raise UnknownNameError("streams", self.stream, get_args(Stream))
        if self.root not in get_args(Root):
            raise UnknownNameError("ways to treat the root", self.root, get_args(Root))

    def __call__(self, clip: Array, generator: np.random.Generator) -> Array:
        """Make the stream of one clip; nothing is drawn."""
        if clip.shape[2] != len(self.layout.joints):
            raise ShapeError(
                f"a clip with {clip.shape[2]} joints, but layout {self.layout.name} has {len(self.layout.joints)}"
            )
        posture = self._bones(clip) if self.stream.startswith("bone") else self._joints(clip)
        return _motion(posture) if self.stream.endswith("motion") else posture

    def _bones(self, clip: Array) -> Array:
        bones: Array = clip - clip.take(self.layout.parents, axis=2)
        return self._with_root(bones, clip) if self.root == "absolute" else bones

    def _joints(self, clip: Array) -> Array:
        if self.root == "zero":
            return clip.copy()
        return self._with_root(clip - clip[:, :, self.layout.root, None], clip)

    def _with_root(self, relative: Array, clip: Array) -> Array:
        relative[:, :, self.layout.root] = clip[:, :, self.layout.root]
        return relative


def _motion(clip: Array) -> Array:
    motion = np.zeros_like(clip)
    np.subtract(clip[:, 1:], clip[:, :-1], out=motion[:, :-1])
    return motion
