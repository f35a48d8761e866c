# SPDX-License-Identifier: Apache-2.0
"""Clip to clip: one transform a file, chained by `Compose`.

A clip is an array (C, T, V, M); absent persons and frames are zeros. A transform never changes the clip it is given.
What is random is drawn from the generator handed in: `draw` decides, `apply` computes, so that tests and users can
repeat a published draw.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from bonefide.transforms.modality import Modality
from bonefide.transforms.two_views import TwoViews
from bonefide.types import Array

__all__ = ["Compose", "Transform"]


class Transform(Protocol):
    """What every transform is."""

    def __call__(self, clip: Array, generator: np.random.Generator) -> Array:
        """Transform one clip.

        Shape:
            clip: (C, T, V, M).
            returned: (C, T', V, M).
        """


@dataclass(frozen=True)
class Compose:
    """Transforms one after the other.

    Args:
        transforms: in order.

    Example:
        >>> from bonefide.layouts import layout
        >>> from bonefide.transforms.modality import Modality
        >>> ucla20 = layout("ucla20")
        >>> chain = Compose([Modality("bone", layout=ucla20), Modality("joint_motion", layout=ucla20)])
        >>> chain(np.ones((3, 4, 20, 1)), np.random.default_rng(0)).any()
        np.False_
    """

    transforms: Sequence[Transform]

    def __call__(self, clip: Array, generator: np.random.Generator) -> Array:
        """Apply all; see `Transform`."""
        for transform in self.transforms:
            clip = transform(clip, generator)
        return clip

    @property
    def has_views(self) -> bool:
        """Whether a clip becomes several."""
        return any(isinstance(transform, TwoViews) for transform in self.transforms)

    def views(self, clip: Array, generator: np.random.Generator) -> tuple[Array, ...]:
        """The views that `TwoViews` makes, each through what comes after it, with the same draws.

        Shape:
            clip: (C, T, V, M).
            returned: (C, T', V, M) each; one only where there is no `TwoViews`.
        """
        views: Sequence[Array] = (clip,)
        for transform in self.transforms:
            if isinstance(transform, TwoViews):
                views = transform.views(views[0], generator)
            else:
                draws = [generator, *(copy.deepcopy(generator) for _ in views[1:])]
                views = [transform(view, each) for view, each in zip(views, draws, strict=True)]
        return tuple(views)

    def with_joints(self, clip: Array, generator: np.random.Generator) -> tuple[Array, Array]:
        """The clip as calling gives it, and the same clip without `Modality`: its joints, whatever its stream.

        Both go through the same transforms with the same draws. What comes before the stream is computed once.

        Shape:
            clip: (C, T, V, M).
            returned: (C, T', V, M) each; one and the same array where there is no `Modality`.
        """
        joints = clip
        for transform in self.transforms:
            if isinstance(transform, Modality):
                clip = transform(clip, generator)
            elif clip is joints:
                clip = joints = transform(clip, generator)
            else:
                same_draws = copy.deepcopy(generator)
                clip, joints = transform(clip, generator), transform(joints, same_draws)
        return clip, joints
