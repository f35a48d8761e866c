# SPDX-License-Identifier: Apache-2.0
"""Stand the first person upright at the origin, shoulders along x: PYSKL's normalisation of clips in space."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np

from bonefide.errors import ShapeError
from bonefide.transforms._clip import check_axes, check_joint
from bonefide.transforms._rotation import onto, rotate
from bonefide.types import Array

__all__ = ["PreNormalize"]


@dataclass(frozen=True)
class PreNormalize:
    """Drop the frames without the main person, and put that person upright at the origin, shoulders along x.

    The main person is the first, or the second of two if present in more frames (they then change places). Its first
    frame decides: `center` becomes the origin for all joints that are not exactly (0, 0, 0), the spine is turned to
    +z, then the line of the shoulders to +x. An all-zero clip is left as it is.

    Args:
        center: the joint that becomes the origin.
        spine: two joints; from the first to the second is made to point to +z.
        shoulders: two joints; from the second to the first is made to point to +x.
        upcast: subtract the centre in float32 also where the clip is float16; officially it is done in float16, which
            costs about a millimetre.

    Shape:
        clip: (3, F, V, M), float16 also allowed.
        returned: (3, T, V, M) with T at most F, type as given, but float32 for float16; absent persons stay zeros.

    Raises:
        ShapeError: if a joint is negative or not in the clip, or the clip has not three coordinates.

    Reference:
        Duan et al., PYSKL: Towards Good Practices for Skeleton Action Recognition, ACM Multimedia 2022,
        arXiv:2205.09443; after Shahroudy et al., NTU RGB+D, CVPR 2016, arXiv:1604.02808.

    Differs from the official code:
        A clip of three persons or more of whom the first is never there is left as it is, officially an error.

    Example:
        >>> clip = np.random.default_rng(0).normal(size=(3, 2, 25, 1))
        >>> upright = PreNormalize()(clip, np.random.default_rng(0))
        >>> across = upright[:, 0, 8, 0] - upright[:, 0, 4, 0]
        >>> upright[:, 0, 1, 0].tolist(), np.abs(across[1:]).max() < 1e-9, across[0] > 0
        ([0.0, 0.0, 0.0], np.True_, np.True_)
    """

    center: int = 1
    _: KW_ONLY
    spine: tuple[int, int] = (0, 1)
    shoulders: tuple[int, int] = (8, 4)
    upcast: bool = False

    def __post_init__(self) -> None:
        if min(self.center, *self.spine, *self.shoulders) < 0:
            raise ShapeError(
                f"joints must be at least 0, got center {self.center}, spine {self.spine}, shoulders {self.shoulders}"
            )

    def __call__(self, clip: Array, generator: np.random.Generator) -> Array:
        """Normalise one clip; nothing is drawn."""
        check_axes(clip, 3)
        check_joint(clip, max(self.center, *self.spine, *self.shoulders))
        result = np.float32 if clip.dtype == np.float16 else clip.dtype
        kept = _of_main_person(clip)
        if not kept.shape[1]:
            return clip.astype(result)
        centered = self._center(kept.astype(result) if self.upcast else kept)
        upright = _turn(centered, self.spine[::-1], np.array([0.0, 0.0, 1.0]))
        return _turn(upright, self.shoulders, np.array([1.0, 0.0, 0.0])).astype(result)

    def _center(self, clip: Array) -> Array:
        origin = clip[:, :1, self.center, None, :1]
        centered: Array = (clip - origin) * clip.any(axis=0)
        return centered


def _of_main_person(clip: Array) -> Array:
    there = np.asarray((~np.isclose(clip, 0)).any(axis=(0, 2)))
    if clip.shape[-1] == 2 and there[:, 1].sum() > there[:, 0].sum():
        return clip[:, there[:, 1], :, ::-1]
    return clip[:, there[:, 0]]


def _turn(clip: Array, tip_and_foot: tuple[int, int], target: Array) -> Array:
    tip, foot = tip_and_foot
    return rotate(clip.astype(np.float64), onto(clip[:, 0, tip, 0] - clip[:, 0, foot, 0], target))
