# SPDX-License-Identifier: Apache-2.0
"""BlockGCN: graph convolution in blocks of channels, with hop distances and the shape of the joints' cloud."""

from __future__ import annotations

import math
from typing import Literal, cast, get_args

import torch
from torch import Tensor, nn

from bonefide.encoders._blockgcn_mixing import convolve_blocks
from bonefide.encoders._blockgcn_topology import Topology
from bonefide.errors import ShapeError, UnknownNameError
from bonefide.layers.batch_norm import BatchNorm2d
from bonefide.layers.persons import unfold_persons
from bonefide.layers.temporal_conv import MultiScaleTemporalConv, TemporalConv
from bonefide.layouts.hands import flat_hands
from bonefide.layouts.layout import SkeletonLayout
from bonefide.types import Features

__all__ = ["BlockGCN"]

TopologyKind = Literal["fixed", "official", "none"]

# Channels of the stem and of the ten blocks in units of `base_channels`, and where time is halved.
_WIDTHS = (1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2)
_STRIDES = (1, 1, 1, 1, 2, 1, 1, 2, 1, 1)
_MAP_STRIDE = 4
_SUBSETS = 3
_HEADS = 8
_EPSILON = 1e-4


class BlockGCN(nn.Module):
    """Graph convolution whose channels are mixed only within eight blocks, each with graphs of its own.

    A graph is the sum of a free matrix F and one B that knows joints only by their hop distance, both with columns of
    length 1:

        W_s = F_s / (|F_s| + 1e-4) + B_s / (|B_s| + 1e-4),   B_s[v, w] = b_s[hops(v, w)]
        z[h, c, t, w] = sum over s, k, v of L_s[h, c, k] x[h, k, t, v] W_s[h, v, w]

    and every block also adds to its input what it makes of the topology of the mean body: at which distances the joints
    grow together (see `_blockgcn_topology`).

    Args:
        layout: the skeleton; gives V and the hop distances. Tips of hands and thumbs count as neighbours of the hand.
        in_channels: coordinates C.
        persons: person slots M.
        topology: "fixed": the branch as the paper means it; a clip's features do not depend on its batch. "official":
            with the mixing of clips in the official code, for weights trained by it. "none": without the branch.
        base_channels: width of the first blocks, a multiple of 8; the published network has 128.

    Shape:
        clip: (N, C, T, V, M); absent persons are zeros and are processed like any other.
        joints: (N, C, T, V, M), coordinates before any bone or motion is made of them; `topology` "none" needs none.
        map: (N, M, 2 * base_channels, ceil(ceil(T / 2) / 2), V).
        pooled: (N, 2 * base_channels).

    Raises:
        ShapeError: if `base_channels` is no multiple of 8, a clip does not fit, or joints are missing or do not fit.
        UnknownNameError: if there is no such topology.

    Reference:
        Zhou, Yan, Cheng, Yan, Dai, Hua. BlockGCN: Redefine Topology Awareness for Skeleton-Based Action Recognition.
        CVPR 2024.

    Differs from the official code:
        By default distances are scaled within each clip, lists of bars are not filled up to the longest of the batch,
        and both persons of a clip get its own topology; officially all three depend on the batch, also in testing,
        which `topology="official"` reproduces. Bars are found without third-party extensions; a body that is one point
        has none, where officially it gives undefined numbers. The time average comes before the distances, and the
        subsets of a graph convolution are computed side by side: equal up to the order of float sums. Any number of
        persons. No classifier: methods have it.

    Example:
        >>> from bonefide.layouts import layout
        >>> encoder = BlockGCN(layout("ucla20"), 3, persons=1, base_channels=8)
        >>> clip = torch.zeros(2, 3, 16, 20, 1)
        >>> features = encoder(clip, clip)
        >>> tuple(features.map.shape), tuple(features.pooled.shape)
        ((2, 1, 16, 4, 20), (2, 16))
    """

    needs_joints = True
    map_axis = "joint"
    hops: Tensor

    def __init__(
        self,
        layout: SkeletonLayout,
        in_channels: int = 3,
        *,
        persons: int = 2,
        topology: TopologyKind = "fixed",
        base_channels: int = 128,
    ) -> None:
        super().__init__()
        if base_channels < _HEADS or base_channels % _HEADS:
            raise ShapeError(f"base_channels must be a positive multiple of {_HEADS}, got {base_channels}")
        if topology not in get_args(TopologyKind):
            raise UnknownNameError("topologies of BlockGCN", topology, get_args(TopologyKind))
        hops = flat_hands(layout).hops()
        self.in_channels, self.joints, self.persons = in_channels, len(hops), persons
        self.needs_joints = topology != "none"
        self.register_buffer("hops", torch.as_tensor(hops), persistent=False)
        widths = [base_channels * width for width in _WIDTHS]
        self.embed = nn.Conv2d(in_channels, widths[0], 1)
        self.position = nn.Parameter(torch.randn(widths[0], self.joints, 1))
        self.input_norm = nn.BatchNorm1d(persons * widths[0] * self.joints)
        self.topology = None
        if self.needs_joints:
            self.topology = Topology(widths[:-1], persons=persons, mixing=topology == "official")
        self.blocks = nn.ModuleList(
            _Block(widths[i], widths[i + 1], joints=self.joints, reach=int(hops.max()), stride=stride)
            for i, stride in enumerate(_STRIDES)
        )
        self.out_channels = widths[-1]

    def map_size(self, frames: int) -> tuple[int, int, int]:
        """(D', T', V') of the map."""
        return self.out_channels, -(-frames // _MAP_STRIDE), self.joints

    def forward(self, clip: Tensor, joints: Tensor | None = None) -> Features:
        """Encode clips."""
        expected = (self.in_channels, self.joints, self.persons)
        if clip.ndim != 5 or (clip.shape[1], clip.shape[3], clip.shape[4]) != expected:
            raise ShapeError(
                f"built for clips (N, C={self.in_channels}, T, V={self.joints}, M={self.persons}), "
                f"got {tuple(clip.shape)}"
            )
        x = self._embedded(clip)
        additions = None if self.topology is None else self.topology(self._checked(clip, joints))
        for number, (block, graphs) in enumerate(zip(self.blocks, self._graphs(), strict=True)):
            x = block(x if additions is None else x + additions[number], graphs)
        feature_map = unfold_persons(x, self.persons)
        return Features(feature_map, feature_map.mean(dim=(1, 3, 4)))

    def _checked(self, clip: Tensor, joints: Tensor | None) -> Tensor:
        if joints is None:
            raise ShapeError(
                "BlockGCN needs the joints besides the stream; give encoder(clip, joints), or set topology: none"
            )
        if joints.ndim != 5 or (joints.shape[0], *joints.shape[3:]) != (clip.shape[0], *clip.shape[3:]):
            raise ShapeError(
                f"joints must be (N, C, T, V, M) as the clip {tuple(clip.shape)}, got {tuple(joints.shape)}"
            )
        return joints

    def _embedded(self, clip: Tensor) -> Tensor:
        """Joints to channels; each channel of each joint of each person slot is normalised over batch and time."""
        x = self.embed(clip.permute(0, 4, 1, 3, 2).flatten(0, 1)) + self.position
        normed = self.input_norm(x.view(-1, self.input_norm.num_features, x.shape[-1]))
        return normed.view_as(x).transpose(2, 3).contiguous()

    def _graphs(self) -> tuple[Tensor, ...]:
        """The graphs W of every block, (S, heads, V, V) each; all at once, as each is little work."""
        layers = [cast(_Block, block).spatial for block in self.blocks]
        free = torch.stack([layer.free for layer in layers])
        by_hops = torch.stack([layer.by_hops for layer in layers])
        bound = by_hops.index_select(-1, self.hops.flatten()).unflatten(-1, self.hops.shape)
        return (_unit_columns(free) + _unit_columns(bound)).unbind()


def _unit_columns(matrices: Tensor) -> Tensor:
    return matrices / (torch.linalg.vector_norm(matrices, dim=-2, keepdim=True) + _EPSILON)


class _Block(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, *, joints: int, reach: int, stride: int) -> None:
        super().__init__()
        self.spatial = _BlockGraphConv(in_channels, out_channels, joints=joints, reach=reach)
        self.temporal = MultiScaleTemporalConv(out_channels, out_channels, stride=stride)
        self.residual: nn.Module = nn.Identity()
        if in_channels != out_channels or stride != 1:
            self.residual = TemporalConv(in_channels, out_channels, kernel=1, stride=stride)

    def forward(self, x: Tensor, graphs: Tensor) -> Tensor:
        return self.temporal(self.spatial(x, graphs)).add_(self.residual(x)).relu_()


class _BlockGraphConv(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, *, joints: int, reach: int) -> None:
        super().__init__()
        self.free = nn.Parameter(torch.eye(joints).repeat(_SUBSETS, _HEADS, 1, 1))
        self.by_hops = nn.Parameter(torch.zeros(_SUBSETS, _HEADS, reach + 1))
        self.weight = nn.Parameter(torch.empty(_SUBSETS, out_channels, in_channels // _HEADS))
        self.bias = nn.Parameter(torch.zeros(_SUBSETS, out_channels))
        self.norm = BatchNorm2d(out_channels)
        # By the fan-out of a whole convolution, as the official code counts it, not of one of its groups.
        nn.init.normal_(self.weight, 0, math.sqrt(2 / out_channels))
        self.down: nn.Module = nn.Identity()
        if in_channels != out_channels:
            self.down = TemporalConv(in_channels, out_channels, kernel=1)

    def forward(self, x: Tensor, graphs: Tensor) -> Tensor:
        z = convolve_blocks(x, graphs, self.weight, self.bias)
        return self.norm(z).add_(self.down(x)).relu_()
