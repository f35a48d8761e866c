# SPDX-License-Identifier: Apache-2.0
"""From one layout to another: which joints are copied, which computed, which inferred, and what is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from bonefide.errors import ShapeError
from bonefide.layouts._derivations import derive
from bonefide.layouts.anatomy import POINTS, points
from bonefide.layouts.layout import SkeletonLayout
from bonefide.types import Array

__all__ = ["JointConversion", "Origin", "conversion"]

Origin = Literal["copied", "computed", "inferred"]
"""Where a joint comes from: one joint of the source, several it lies among, or several it lies beyond."""


@dataclass(frozen=True, eq=False)
class JointConversion:
    """Every joint of the target as a weighted sum of joints of the source.

    Sums of weights are 1, so skeletons may be moved, turned and scaled before or after; left and right are treated
    alike, so they may be mirrored too. Made by `conversion`.

    Args:
        source: layout converted from.
        target: layout converted to.
        weights: of the source's joints in each of the target's.
        inferred: for every joint of the target whether it lies off what was measured: extrapolated by the proportions
            of an average body, or, where nothing leads to it, placed on its parent.

    Shape:
        weights: (V', V) float64, V' joints of the target, V of the source.

    Raises:
        ShapeError: if weights or `inferred` do not fit the layouts.

    Example:
        >>> from bonefide.layouts import layout
        >>> poses = conversion(layout("coco17"), layout("ucla20"))
        >>> poses.origins[0], poses.inferred_joints
        ('computed', ('left_hand', 'right_hand', 'left_foot', 'right_foot'))
        >>> poses.lost
        ('nose', 'left_eye', 'right_eye')
    """

    source: SkeletonLayout
    target: SkeletonLayout
    weights: Array
    inferred: tuple[bool, ...]

    def __post_init__(self) -> None:
        expected = (len(self.target.joints), len(self.source.joints))
        if self.weights.shape != expected or len(self.inferred) != expected[0]:
            raise ShapeError(
                f"a conversion from {self.source.name} to {self.target.name} has weights of shape {expected} and "
                f"{expected[0]} marks, got {self.weights.shape} and {len(self.inferred)}"
            )

    @property
    def measured(self) -> Array:
        """For every joint of the target whether it is copied or computed from measured ones, (V',) bool."""
        return ~np.array(self.inferred, dtype=bool)

    @property
    def inferred_joints(self) -> tuple[str, ...]:
        """Names of the target's joints that are inferred."""
        return tuple(name for name, inferred in zip(self.target.joints, self.inferred, strict=True) if inferred)

    @property
    def origins(self) -> tuple[Origin, ...]:
        """Where every joint of the target comes from."""
        copied = np.count_nonzero(self.weights, axis=1) == 1
        return tuple(
            "inferred" if inferred else "copied" if one else "computed"
            for inferred, one in zip(self.inferred, copied, strict=True)
        )

    @property
    def lost(self) -> tuple[str, ...]:
        """Names of the source's joints that play no part in the target."""
        used = np.count_nonzero(self.weights, axis=0)
        return tuple(name for name, times in zip(self.source.joints, used, strict=True) if not times)

    @property
    def is_identity(self) -> bool:
        """Whether both layouts have the same joints in the same order, so that nothing changes."""
        return np.array_equal(self.weights, np.eye(*self.weights.shape))

    def apply(self, joints: Array, confidence: Array | None = None) -> tuple[Array, Array]:
        """Convert joints.

        A joint of the source is unknown in a frame if its confidence is 0, all its coordinates are 0, or one is not
        finite. A joint of the target that needs an unknown one is unknown too, zeros with confidence 0: half of what
        is needed would put it somewhere wrong. So absent persons and frames stay zeros.

        Args:
            joints: coordinates, two or three a joint.
            confidence: how sure each joint is, 0 to 1; None if nothing tells.

        Shape:
            joints: (..., V, C).
            confidence: (..., V).
            returned: (..., V', C) and (..., V'). Types are kept; a confidence that was not given is float32.

        Returns:
            Joints, and confidence: that of the least sure of all joints a joint is made of; 1 where nothing tells.

        Raises:
            ShapeError: if the arrays do not fit the source's layout.
        """
        count = len(self.source.joints)
        if joints.ndim < 2 or joints.shape[-2] != count:
            raise ShapeError(
                f"layout {self.source.name} has {count} joints, so joints have the shape (..., {count}, C); "
                f"got {joints.shape}"
            )
        if confidence is not None and confidence.shape != joints.shape[:-1]:
            raise ShapeError(
                f"joints {joints.shape} need a confidence of shape {joints.shape[:-1]}, got {confidence.shape}"
            )
        known = np.isfinite(joints).all(axis=-1) & joints.any(axis=-1)
        given = np.ones(known.shape, dtype=np.float32) if confidence is None else confidence
        sure = np.where(known & (given > 0), given, np.zeros_like(given))
        sure_after = np.stack([sure[..., row != 0].min(axis=-1) for row in self.weights], axis=-1)
        clean = np.where(sure[..., None] > 0, joints, 0)
        moved = np.einsum("...vc,uv->...uc", clean, self.weights, optimize=True)
        moved = np.where(sure_after[..., None] > 0, moved, 0)
        return moved.astype(joints.dtype if joints.dtype.kind == "f" else np.float64), sure_after


def conversion(source: SkeletonLayout, target: SkeletonLayout) -> JointConversion:
    """How to get from one layout to another.

    Joints are matched by what they are on the body (`bonefide.layouts.anatomy`), not by their names in the layouts, so
    there is no table for any pair. A joint both have is copied. One that lies among others (the pelvis between the
    hips) is computed. One that lies beyond them (a hand's tip) is inferred by proportions, and one that nothing leads
    to is put on its parent; both are marked.

    What is lost: joints the target has no use for (`JointConversion.lost`), for good. Where a sensor has its own idea
    of a joint, its layout says so by `anatomy`: the hip centre of Kinect v1 lies 7 cm above the hips, its spine 7 cm
    above that and behind, so the way from one to the other says little about how somebody stands; for v2 both are
    computed from hips and shoulders.

    Args:
        source: layout of the data.
        target: layout wanted.

    Raises:
        ShapeError: if the layouts share no joint and none follows from another.

    Example:
        >>> from bonefide.layouts import layout
        >>> wide = conversion(layout("ucla20"), layout("ntu25"))
        >>> [name for name in wide.inferred_joints if "right" not in name]
        ['neck', 'left_hand_tip', 'left_thumb']
        >>> conversion(layout("ntu25"), layout("ntu25_pyskl")).is_identity
        True
    """
    if source.joints == target.joints and points(source) == points(target):
        return JointConversion(source, target, _sealed(np.eye(len(source.joints))), (False,) * len(target.joints))
    weights, inferred, found = _matrix(points(source), points(target), target)
    if not found:
        raise ShapeError(
            f"no joint of {target.name} follows from those of {source.name}: name the joints as bonefide's layouts do, "
            f"or say by `anatomy` what they are, such as {POINTS[0]}, {POINTS[-1]}"
        )
    return JointConversion(source, target, weights, inferred)


@lru_cache(maxsize=64)
def _matrix(
    source: tuple[str, ...], target: tuple[str, ...], tree: SkeletonLayout
) -> tuple[Array, tuple[bool, ...], bool]:
    """Weights, marks, and whether anything was found at all."""
    place = {point: joint for joint, point in reversed(list(enumerate(source)))}
    weights, inferred = np.zeros((len(target), len(source))), [True] * len(target)
    known = []
    for joint, point in enumerate(target):
        derived = derive(point, frozenset(place))
        if derived is not None:
            known.append(joint)
            inferred[joint] = derived.steps > 0
            for each, weight in derived.weights.items():
                weights[joint, place[each]] += weight
    for joint in set(range(len(target))) - set(known) if known else ():
        weights[joint] = weights[_stand_ins(joint, known, tree)].mean(axis=0)
    weights[np.abs(weights) < 1e-12] = 0
    return _sealed(weights), tuple(inferred), bool(known)


def _stand_ins(joint: int, known: Sequence[int], tree: SkeletonLayout) -> list[int]:
    """The nearest known joint towards the root; if there is none, all known joints that are nearest on the tree."""
    above = joint
    while above != tree.root:
        above = tree.parents[above]
        if above in known:
            return [above]
    distance = tree.hops()[joint]
    nearest = min(distance[each] for each in known)
    return [each for each in known if distance[each] == nearest]


def _sealed(weights: Array) -> Array:
    weights.setflags(write=False)
    return weights
