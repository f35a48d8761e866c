# SPDX-License-Identifier: Apache-2.0
"""2s-AGCN: graph convolution whose graph is learned, and adapted to each sample by attention between joints."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bonefide.encoders._agcn_portable import portable_map
from bonefide.errors import ShapeError
from bonefide.layers.init import kaiming_fan_out_
from bonefide.layers.persons import PersonBatchNorm, distinct_persons
from bonefide.layers.portable_conv import portable_pays
from bonefide.layers.temporal_conv import TemporalConv
from bonefide.layers.tiled_conv import convolve_frames, tiles_pay
from bonefide.layouts.graph import Strategy
from bonefide.layouts.layout import SkeletonLayout
from bonefide.types import Features

__all__ = ["AGCN"]

# Channels of the ten blocks in units of `base_channels`, and where time is halved.
_WIDTHS = (1, 1, 1, 1, 2, 2, 2, 4, 4, 4)
_STRIDES = (1, 1, 1, 1, 2, 1, 1, 2, 1, 1)
_MAP_STRIDE = 4
_KERNEL = 9


class AGCN(nn.Module):
    """Adaptive graph convolutional network; two of them, on joints and on bones, are 2s-AGCN.

    Every block adds up three graphs for each subset s: that of the layout, a learned one, and one that attention finds
    in the sample, from embeddings a and b with r channels over all T frames:

        S_s[v, w] = softmax over v of sum over c, t of a_s[c, t, v] b_s[c, t, w] / (r T)
        z[c, t, w] = sum over s, v of (W_s x)[c, t, v] (S_s + A_s + P_s)[v, w]

    and then convolves nine frames along time.

    Args:
        layout: the skeleton; gives V and the graphs A.
        in_channels: coordinates C.
        persons: person slots M.
        strategy: partition of the graph, see `bonefide.layouts.graph.adjacency`.
        base_channels: width of the first blocks, a multiple of 4; the published network has 64.

    Shape:
        clip: (N, C, T, V, M); absent persons are zeros and are processed like any other.
        map: (N, M, 4 * base_channels, ceil(ceil(T / 2) / 2), V).
        pooled: (N, 4 * base_channels).

    Raises:
        ShapeError: if `base_channels` is no multiple of 4, or a clip does not fit.

    Reference:
        Shi, Zhang, Cheng, Lu. Two-Stream Adaptive Graph Convolutional Networks for Skeleton-Based Action Recognition.
        CVPR 2019. arXiv:1805.07694.

    Differs from the official code:
        The subsets are computed side by side, and on a CPU the long convolutions by short Fourier transforms
        (`layers.tiled_conv`); equal up to the order of float sums. The first block takes any number of coordinates,
        officially three. In evaluation absent persons are computed once (`layers.persons`). No classifier: methods have
        it.

    Example:
        >>> from bonefide.layouts import layout
        >>> encoder = AGCN(layout("ucla20"), 3, persons=1, base_channels=8)
        >>> features = encoder(torch.zeros(2, 3, 16, 20, 1))
        >>> tuple(features.map.shape), tuple(features.pooled.shape)
        ((2, 1, 32, 4, 20), (2, 32))
    """

    needs_joints = False
    map_axis = "joint"

    def __init__(
        self,
        layout: SkeletonLayout,
        in_channels: int = 3,
        *,
        persons: int = 2,
        strategy: Strategy = "spatial",
        base_channels: int = 64,
    ) -> None:
        super().__init__()
        if base_channels < 4 or base_channels % 4:
            raise ShapeError(f"base_channels must be a positive multiple of 4, got {base_channels}")
        graphs = torch.tensor(layout.adjacency(strategy), dtype=torch.float32)
        self.persons, self.joints = persons, len(layout.joints)
        self.input_norm = PersonBatchNorm(in_channels, self.joints, persons)
        widths = [in_channels, *(base_channels * width for width in _WIDTHS)]
        self.blocks = nn.ModuleList(
            _Block(widths[i], widths[i + 1], graphs, stride=stride, residual=i > 0) for i, stride in enumerate(_STRIDES)
        )
        self.out_channels = widths[-1]

    def map_size(self, frames: int) -> tuple[int, int, int]:
        """(D', T', V') of the map."""
        return self.out_channels, -(-frames // _MAP_STRIDE), self.joints

    def forward(self, clip: Tensor, joints: Tensor | None = None) -> Features:
        """Encode clips; `joints` is not used."""
        x = self.input_norm(clip)
        persons = distinct_persons(clip, self)
        x = persons.select(x)
        if portable_pays(self.out_channels):
            feature_map = persons.unfold(portable_map(x, self.blocks))
            return Features(feature_map, feature_map.mean(dim=(1, 3, 4)))
        frames_first = tiles_pay(x)
        if frames_first:
            x = x.transpose(0, 2).contiguous(memory_format=torch.channels_last)
        for block in self.blocks:
            x = block(x, frames_first=frames_first)
        if frames_first:
            x = x.transpose(0, 2)
        feature_map = persons.unfold(x)
        return Features(feature_map, feature_map.mean(dim=(1, 3, 4)))


class _Block(nn.Module):
    """Works on (N, C, T, V) and, frames first, on (T, C, N, V): only what mixes frames must know."""

    def __init__(self, in_channels: int, out_channels: int, graphs: Tensor, *, stride: int, residual: bool) -> None:
        super().__init__()
        self.stride = stride
        self.spatial = _AdaptiveGraphConv(in_channels, out_channels, graphs)
        self.temporal = TemporalConv(out_channels, out_channels, kernel=_KERNEL, stride=stride)
        self.residual: nn.Module | None = None
        if residual and (in_channels != out_channels or stride != 1):
            self.residual = TemporalConv(in_channels, out_channels, kernel=1)
        elif residual:
            self.residual = nn.Identity()

    def forward(self, x: Tensor, *, frames_first: bool) -> Tensor:
        y = self.spatial(x, frames_first=frames_first)
        y = self.temporal.norm(convolve_frames(y, self.temporal.conv, frames_first=frames_first))
        if self.residual is not None:
            if self.stride != 1:
                x = x[:: self.stride] if frames_first else x[:, :, :: self.stride]
            y = y + self.residual(x)
        return torch.relu_(y)


class _AdaptiveGraphConv(nn.Module):
    """The subsets s lie side by side in the channels that `embed` makes (all a, then all b) and that are mixed."""

    graphs: Tensor

    def __init__(self, in_channels: int, out_channels: int, graphs: Tensor) -> None:
        super().__init__()
        subsets = len(graphs)
        self.register_buffer("graphs", graphs, persistent=False)
        self.learned = nn.Parameter(torch.full_like(graphs, 1e-6))
        self.embed = nn.Conv2d(in_channels, 2 * subsets * (out_channels // 4), 1)
        self.mix_weight = nn.Parameter(torch.empty(out_channels, subsets * in_channels, 1, 1))
        self.mix_bias = nn.Parameter(torch.zeros(subsets, out_channels))
        self.norm = nn.BatchNorm2d(out_channels)
        kaiming_fan_out_(self.embed, branches=2 * subsets)
        nn.init.normal_(self.mix_weight, 0, math.sqrt(2 / (out_channels * in_channels * subsets)))
        nn.init.constant_(self.norm.weight, 1e-6)
        self.down: nn.Module = nn.Identity()
        if in_channels != out_channels:
            self.down = TemporalConv(in_channels, out_channels, kernel=1)

    def forward(self, x: Tensor, *, frames_first: bool) -> Tensor:
        attention = _attention(self.embed(x), len(self.graphs), frames_first=frames_first)
        gathered = _gather(x, attention + (self.graphs + self.learned), frames_first=frames_first)
        z = F.conv2d(gathered, self.mix_weight, self.mix_bias.sum(dim=0))
        return torch.relu_(self.norm(z) + self.down(x))


def _attention(embedded: Tensor, subsets: int, *, frames_first: bool) -> Tensor:
    """How much joint w takes from joint v, of all v together 1.

    Shape:
        embedded: (N, 2 S r, T, V), or (T, 2 S r, N, V) frames first.
        returned: (N, S, V, V), the source v before w.
    """
    if frames_first:
        frames, _, count, joints = embedded.shape
        lying = embedded.permute(0, 2, 3, 1).view(frames, count, joints, 2, subsets, -1)
        # Runs of r channels are copied, and the sum over c and t is one over neighbours in memory.
        a, b = lying.permute(3, 1, 4, 2, 0, 5).flatten(4).unbind()
        scores = torch.matmul(a, b.transpose(-1, -2)) / a.shape[-1]
    else:
        a, b = embedded.unflatten(1, (2, subsets, -1)).flatten(3, 4).unbind(1)
        scores = torch.matmul(a.transpose(-1, -2), b) / a.shape[-2]
    return torch.softmax(scores, dim=-2)


def _gather(x: Tensor, graphs: Tensor, *, frames_first: bool) -> Tensor:
    """What every joint takes from the others by each of S graphs of the sample; these lie side by side in the channels.

    Shape:
        x: (N, C, T, V), or (T, C, N, V) frames first.
        graphs: (N, S, V, V), the source before the target.
        returned: (N, S C, T, V), or (T, S C, N, V) frames first.
    """
    if not frames_first:
        gathered = torch.matmul(x.flatten(1, 2).unsqueeze(1), graphs)
        return gathered.unflatten(2, x.shape[1:3]).flatten(1, 2)
    frames, _, count, joints = x.shape
    # Channels lie last in memory, and so do the graphs of a target: no copy of what is large.
    into = graphs.permute(0, 3, 1, 2).flatten(1, 2).expand(frames, -1, -1, -1).flatten(0, 1)
    gathered = torch.bmm(into, x.permute(0, 2, 3, 1).flatten(0, 1))
    return gathered.view(frames, count, joints, -1).permute(0, 3, 1, 2)
