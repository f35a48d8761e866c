# SPDX-License-Identifier: Apache-2.0
"""The plain transformer of MAE, MAMP and STJD-MP: it sees all pieces of a skeleton's motion, or only some."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from bonefide.errors import ShapeError
from bonefide.layers.persons import distinct_persons
from bonefide.layers.position import JointTimePosition
from bonefide.layers.transformer_block import TransformerStack
from bonefide.layouts.layout import SkeletonLayout
from bonefide.types import Features

__all__ = ["MaskedTransformer"]

_FRAMES = 120


class _Grid(NamedTuple):
    """How tokens lie: times T' of so many frames, joints V' of so many joints."""

    times: int
    joints: int
    frames: int
    members: int


class MaskedTransformer(nn.Module):
    """A transformer over tokens, each a joint for a few frames.

    Coordinates of a token are projected, a learned vector of its joint and one of its time are added, and blocks of
    attention among all tokens of a person follow. Persons are sequences of their own, absent ones too; in evaluation
    these are computed once (`layers.persons`). Those who hide tokens call `patches` and `encode`, which computes the
    visible ones only; recognition calls it as any encoder.

    Args:
        layout: the skeleton; gives V. Bones are not used.
        in_channels: coordinates C.
        frames: clip length T, a multiple of `patch_frames`, which all clips must have; None for the published 120.
        width: features D of a token, a multiple of `heads`; the published network has 256.
        depth: blocks, at least 1.
        heads: attention heads.
        mlp_ratio: width of the blocks' hidden layers as a multiple of D, above 0.
        qkv_bias: whether queries, keys and values have biases.
        drop_path: share of sequences for which a branch of the last block is left out in training, from 0 to below 1,
            less in earlier ones; fine-tuning has 0.3.
        patch_frames: frames of a token, at least 1.
        patch_joints: joints of a token, in their order, a divisor of V.
        checkpointing: whether activations within blocks are computed again in the backward pass instead of kept.

    Shape:
        clip: (N, C, T, V, M); any number of persons.
        map: (N, M, D, T / patch_frames, V / patch_joints).
        pooled: (N, D), mean over persons, times and joints.

    Raises:
        ShapeError: if an option is out of its range, or a clip does not fit.

    Reference:
        Mao, Deng, Zhou, Fang, Ouyang, Li. Masked Motion Predictors are Strong 3D Action Representation Learners. ICCV
        2023. arXiv:2308.07092.

    Differs from the official code:
        Attention is fused, and hidden tokens are not even projected; equal up to the order of float sums. The
        projection is a matrix over a token's numbers, there a convolution. No dropout, which is 0 in every published
        configuration. No head: methods have it.

    Example:
        >>> import torch
        >>> from bonefide.layouts import layout
        >>> encoder = MaskedTransformer(layout("ntu25"), 3, frames=16, width=32, depth=2, heads=4)
        >>> features = encoder(torch.zeros(2, 3, 16, 25, 2))
        >>> tuple(features.map.shape), tuple(features.pooled.shape)
        ((2, 2, 32, 4, 25), (2, 32))
        >>> tokens = encoder.patches(torch.zeros(2, 3, 16, 25, 2))
        >>> tuple(encoder.encode(tokens, torch.arange(10).expand(4, -1)).shape)
        (4, 10, 32)
    """

    needs_joints = False
    map_axis = "joint"

    def __init__(
        self,
        layout: SkeletonLayout,
        in_channels: int = 3,
        *,
        frames: int | None = None,
        width: int = 256,
        depth: int = 8,
        heads: int = 8,
        mlp_ratio: float = 4.0,
        qkv_bias: bool = True,
        drop_path: float = 0.0,
        patch_frames: int = 4,
        patch_joints: int = 1,
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        self.frames = _FRAMES if frames is None else frames
        self.in_channels, self.joints, self.out_channels = in_channels, len(layout.joints), width
        self.grid = _grid(self.frames, self.joints, patch_frames, patch_joints)
        self.heads, self.mlp_ratio, self.qkv_bias, self.checkpointing = heads, mlp_ratio, qkv_bias, checkpointing
        # Starts as the convolution it is in the official code: uniform within the inverse root of its inputs.
        self.embed = nn.Linear(self.patch_size, width)
        self.position = JointTimePosition(self.grid.times, self.grid.joints, width)
        self.stack = TransformerStack(
            depth,
            width,
            heads,
            mlp_ratio=mlp_ratio,
            qkv_bias=qkv_bias,
            drop_path=drop_path,
            checkpointing=checkpointing,
        )

    @property
    def patch_size(self) -> int:
        """Numbers of a token."""
        return self.grid.frames * self.grid.members * self.in_channels

    @property
    def tokens(self) -> int:
        """Tokens L of a person."""
        return self.grid.times * self.grid.joints

    def map_size(self, frames: int) -> tuple[int, int, int]:
        """(D', T', V') of the map.

        Raises:
            ShapeError: if it was built for clips of another length.
        """
        if frames != self.frames:
            raise ShapeError(f"built for clips of {self.frames} frames, got {frames}")
        return self.out_channels, self.grid.times, self.grid.joints

    def forward(self, clip: Tensor, joints: Tensor | None = None) -> Features:
        """Encode clips; `joints` is not used."""
        patches = self.patches(clip)
        persons = distinct_persons(clip, self)
        encoded = persons.unfold(self.encode(persons.select(patches)))
        # (N, M, T', V', D)
        feature_map = encoded.unflatten(2, (self.grid.times, self.grid.joints))
        return Features(feature_map.permute(0, 1, 4, 2, 3), feature_map.mean(dim=(1, 2, 3)))

    def patches(self, clip: Tensor) -> Tensor:
        """Clips as tokens, times slow, joints fast; within one frames are slow, then joints, then coordinates.

        Shape:
            clip: (N, C, T, V, M).
            returned: (N * M, L, patch_size), persons fast.
        """
        fits = clip.ndim == 5 and tuple(clip.shape[1:4]) == (self.in_channels, self.frames, self.joints)
        if not fits:
            raise ShapeError(
                f"built for clips (N, C={self.in_channels}, T={self.frames}, V={self.joints}, M), "
                f"got {tuple(clip.shape)}"
            )
        times, joints, frames, members = self.grid
        parts = clip.permute(0, 4, 2, 3, 1).unflatten(3, (joints, members)).unflatten(2, (times, frames))
        return parts.transpose(3, 4).flatten(4).flatten(2, 3).flatten(0, 1)

    def encode(self, patches: Tensor, visible: Tensor | None = None) -> Tensor:
        """Features of tokens after the last normalisation.

        Args:
            patches: from `patches`.
            visible: numbers of the tokens to be seen, in the order of the result; all if None.

        Shape:
            patches: (B, L, patch_size).
            visible: (B, K) int64.
            returned: (B, K, D).
        """
        position = self.position()
        if visible is None:
            return self.stack(self.embed(patches) + position)
        seen = patches.gather(1, visible.unsqueeze(-1).expand(-1, -1, patches.shape[-1]))
        return self.stack(self.embed(seen) + nn.functional.embedding(visible, position))

    def attention(self, clip: Tensor) -> Tensor:
        """How much the features of a person owe to each joint at each time, by `TransformerStack.attention`.

        Shape:
            clip: (N, C, T, V, M).
            returned: (N, M, T / patch_frames, V / patch_joints), of each person summing to 1.
        """
        share = self.stack.attention(self.embed(self.patches(clip)) + self.position())
        return share.view(clip.shape[0], -1, *self.grid[:2])


def _grid(frames: int, joints: int, patch_frames: int, patch_joints: int) -> _Grid:
    if patch_frames < 1 or patch_joints < 1:
        raise ShapeError(f"patch_frames and patch_joints must be at least 1, got {patch_frames} and {patch_joints}")
    if frames < 1 or frames % patch_frames:
        raise ShapeError(f"frames must be a multiple of {patch_frames} (patch_frames), got {frames}")
    if joints % patch_joints:
        raise ShapeError(f"patch_joints must divide the {joints} joints of the layout, got {patch_joints}")
    return _Grid(frames // patch_frames, joints // patch_joints, patch_frames, patch_joints)
