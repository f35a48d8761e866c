# SPDX-License-Identifier: Apache-2.0
"""Left and right swapped."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np

from bonefide.errors import ShapeError
from bonefide.layouts import SkeletonLayout
from bonefide.types import Array

__all__ = ["RandomFlip"]


@dataclass(frozen=True)
class RandomFlip:
    """Mirror a clip: x changes its sign and left joints become right ones, so a left-hander becomes a right-hander.

    Args:
        probability: of mirroring, 0 to 1.
        layout: says which joint becomes which.
        swap_only: exchange the joints and leave x as it is, as AimCLR does.

    Shape:
        clip: (C, T, V, M), x first; absent persons and frames stay zero.
        returned: (C, T, V, M), type as given.

    Raises:
        ShapeError: if the probability is out of range, or a clip has other joints than the layout.

    Reference:
        The mirroring of images, for skeletons; no paper of the CTR-GCN line uses it.

    Differs from the official code:
        Nothing known.

    Example:
        >>> arms = SkeletonLayout("arms", ("neck", "left_hand", "right_hand"), (0, 0, 0), (0, 2, 1))
        >>> clip = np.array([0.0, 1.0, -2.0]).reshape(1, 1, 3, 1)
        >>> RandomFlip(1.0, layout=arms)(clip, np.random.default_rng(0)).ravel().tolist()
        [0.0, 2.0, -1.0]
    """

    probability: float = 0.5
    _: KW_ONLY
    layout: SkeletonLayout
    swap_only: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise ShapeError(f"the probability of mirroring must be from 0 to 1, got {self.probability}")

    def draw(self, clip: Array, generator: np.random.Generator) -> bool:
        """Whether to mirror."""
        return bool(generator.random() < self.probability)

    def apply(self, clip: Array, flip: bool) -> Array:
        """Mirror, or not."""
        if clip.shape[2] != len(self.layout.joints):
            raise ShapeError(
                f"a clip with {clip.shape[2]} joints, but layout {self.layout.name} has {len(self.layout.joints)}"
            )
        if not flip:
            return clip.copy()
        mirrored = clip[:, :, list(self.layout.mirror)]
        if not self.swap_only:
            mirrored[0] = 0 - mirrored[0]
        return mirrored

    def __call__(self, clip: Array, generator: np.random.Generator) -> Array:
        """Draw and apply."""
        return self.apply(clip, self.draw(clip, generator))
