# SPDX-License-Identifier: Apache-2.0
"""Several views of one clip, for methods that learn from what they have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np

from bonefide.layouts import SkeletonLayout
from bonefide.transforms.axis_mask import AxisMask
from bonefide.transforms.joint_noise import JointNoise
from bonefide.transforms.padded_crop import PaddedCrop
from bonefide.transforms.random_axis_rotation import RandomAxisRotation
from bonefide.transforms.random_flip import RandomFlip
from bonefide.transforms.random_shear import RandomShear
from bonefide.transforms.time_blur import TimeBlur
from bonefide.types import Array

__all__ = ["TwoViews"]


@dataclass(frozen=True)
class TwoViews:
    """Two mild views of a clip, and a strong one of the first: cut alike, so that their frames are the same moments.

    A mild view is the cut, slanted by a shear of its own. The strong one is the first, with left and right joints
    exchanged or not, turned, with noise, blurred along time or not, and flattened along an axis or not; nothing moves
    it in time. Called, it gives the first view; a chain that holds it gives all of them to methods, see `views`.
    Drawn: a seed.

    Args:
        ratio: of the cut, see `PaddedCrop`.
        strength: of the shears, see `RandomShear`.
        strong: whether there is the strong view.
        layout: says which joint is exchanged for which.

    Shape:
        clip: (3, T, V, M).
        returned: (3, T, V, M), type as given; absent persons stay zeros.

    Raises:
        ShapeError: if an option is out of its range, or the clip does not fit.

    Reference:
        The augmentations of Guo, Liu, Chen, Liu, Wang, Ding. Contrastive Learning from Extremely Augmented Skeleton
        Sequences for Self-supervised Action Recognition. AAAI 2022. arXiv:2112.03590.

    Differs from the official code:
        There views are cut each for itself, and the strong one may run backwards; here their times are the same, which
        STJD-CL needs, as this package completes it.

    Example:
        >>> from bonefide.layouts import layout
        >>> clip = np.random.default_rng(0).normal(size=(3, 12, 20, 1))
        >>> [view.shape for view in TwoViews(layout=layout("ucla20")).views(clip, np.random.default_rng(1))]
        [(3, 12, 20, 1), (3, 12, 20, 1), (3, 12, 20, 1)]
    """

    ratio: int = 6
    _: KW_ONLY
    strength: float = 0.5
    strong: bool = True
    layout: SkeletonLayout

    def __post_init__(self) -> None:
        PaddedCrop(self.ratio)
        RandomShear(self.strength)

    def __call__(self, clip: Array, generator: np.random.Generator) -> Array:
        """The first view of one clip."""
        return self.apply(clip, self.draw(clip, generator))

    def draw(self, clip: Array, generator: np.random.Generator) -> int:
        """A seed."""
        return int(generator.integers(2**63))

    def apply(self, clip: Array, seed: int) -> Array:
        """The first view by a given seed."""
        return self._views(clip, seed)[0]

    def views(self, clip: Array, generator: np.random.Generator) -> Sequence[Array]:
        """All of them: a mild one, another, and the strong one of the first."""
        return self._views(clip, self.draw(clip, generator))

    def _views(self, clip: Array, seed: int) -> Sequence[Array]:
        generator = np.random.default_rng(seed)
        cut = PaddedCrop(self.ratio)(clip, generator)
        shear = RandomShear(self.strength)
        mild = [shear(cut, generator), shear(cut, generator)]
        return [*mild, self._strong(mild[0], generator)] if self.strong else mild

    def _strong(self, clip: Array, generator: np.random.Generator) -> Array:
        flip = RandomFlip(swap_only=True, layout=self.layout)
        for transform in (flip, RandomAxisRotation(), JointNoise(), TimeBlur(), AxisMask()):
            clip = transform(clip, generator)
        return clip
