# SPDX-License-Identifier: Apache-2.0
"""CTR-GCN: graph convolution whose topology is refined per channel."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bonefide.errors import ShapeError
from bonefide.layers.batch_norm import BatchNorm2d
from bonefide.layers.init import kaiming_fan_out_
from bonefide.layers.persons import PersonBatchNorm, distinct_persons
from bonefide.layers.temporal_conv import MultiScaleTemporalConv, TemporalConv
from bonefide.layouts.graph import Strategy
from bonefide.layouts.layout import SkeletonLayout
from bonefide.types import Features

__all__ = ["CTRGCN"]

# Channels of the ten blocks in units of `base_channels`, and where time is halved.
_WIDTHS = (1, 1, 1, 1, 2, 2, 2, 4, 4, 4)
_STRIDES = (1, 1, 1, 1, 2, 1, 1, 2, 1, 1)
_MAP_STRIDE = 4


class CTRGCN(nn.Module):
    """Channel-wise topology refinement graph convolutional network.

    Every block learns a graph shared by all channels and refines it per sample and channel from the differences of
    pairwise embedded joints, then convolves along time at several scales:

        Q_s = alpha * conv4(tanh(p_s[:, u] - q_s[:, v])) + A_s
        z[c, t, u] = sum over s, v of Q_s[c, u, v] h_s[c, t, v]

    where p and q are embeddings of the clip averaged over time and A_s starts as the s-th graph of the layout.

    Args:
        layout: the skeleton; gives V and the graphs the learned ones start from.
        in_channels: coordinates C.
        persons: person slots M.
        strategy: partition of the graph, see `bonefide.layouts.graph.adjacency`.
        base_channels: width of the first blocks, a multiple of 8; the published network has 64.

    Shape:
        clip: (N, C, T, V, M); absent persons are zeros and are processed like any other.
        map: (N, M, 4 * base_channels, ceil(ceil(T / 2) / 2), V).
        pooled: (N, 4 * base_channels).

    Raises:
        ShapeError: if `base_channels` is no multiple of 8, or a clip does not fit.

    Reference:
        Chen, Zhang, Yuan, Li, Deng, Hu. Channel-wise Topology Refinement Graph Convolution for Skeleton-Based Action
        Recognition. ICCV 2021. arXiv:2107.12213.

    Differs from the official code:
        The time average is taken before the two pairwise embeddings, with which it commutes; the embeddings of the
        three subsets are computed side by side, and a graph with its refinement as one product; equal up to the order
        of float sums. In evaluation absent persons are computed once (`layers.persons`). No classifier: methods have
        it.

    Example:
        >>> from bonefide.layouts import layout
        >>> encoder = CTRGCN(layout("ucla20"), 3, persons=1, base_channels=8)
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
        if base_channels < 8 or base_channels % 8:
            raise ShapeError(f"base_channels must be a positive multiple of 8, got {base_channels}")
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
        for block in self.blocks:
            x = block(x)
        feature_map = persons.unfold(x)
        return Features(feature_map, feature_map.mean(dim=(1, 3, 4)))


class _Block(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, graphs: Tensor, *, stride: int, residual: bool) -> None:
        super().__init__()
        self.spatial = _RefinedGraphConv(in_channels, out_channels, graphs)
        self.temporal = MultiScaleTemporalConv(out_channels, out_channels, stride=stride)
        self.residual: nn.Module | None = None
        if residual and (in_channels != out_channels or stride != 1):
            self.residual = TemporalConv(in_channels, out_channels, kernel=1, stride=stride)
        elif residual:
            self.residual = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.temporal(self.spatial(x))
        if self.residual is not None:
            y = y.add_(self.residual(x))
        return y.relu_()


class _RefinedGraphConv(nn.Module):
    """The subsets s of the graph lie side by side in the channels of `embed` (all p, then all q) and `value`."""

    def __init__(self, in_channels: int, out_channels: int, graphs: Tensor) -> None:
        super().__init__()
        subsets = len(graphs)
        # The paper embeds into an eighth of the channels; raw coordinates, as many as 9, get 8.
        relation = 8 if in_channels <= 9 and in_channels % 8 else in_channels // 8
        self.graphs = nn.Parameter(graphs.clone())
        self.alpha = nn.Parameter(torch.zeros(1))
        self.embed = nn.Conv1d(in_channels, 2 * subsets * relation, 1)
        self.value = nn.Conv2d(in_channels, subsets * out_channels, 1)
        self.refine_weight = nn.Parameter(torch.empty(subsets, out_channels, relation))
        self.refine_bias = nn.Parameter(torch.zeros(subsets, out_channels, 1))
        self.norm = BatchNorm2d(out_channels)
        kaiming_fan_out_(self.embed, branches=2 * subsets)
        kaiming_fan_out_(self.value, branches=subsets)
        nn.init.normal_(self.refine_weight, 0, math.sqrt(2 / out_channels))
        nn.init.constant_(self.norm.weight, 1e-6)
        self.down: nn.Module = nn.Identity()
        if in_channels != out_channels:
            self.down = TemporalConv(in_channels, out_channels, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        # In float32 at least, also under autocast: an average over many frames loses too much in half precision.
        exact = torch.promote_types(x.dtype, torch.float32)
        p, q = self.embed(x.mean(dim=2, dtype=exact).to(x.dtype)).chunk(2, dim=1)
        return self.norm(self._aggregate(x, p, q)).add_(self.down(x)).relu_()

    def _aggregate(self, x: Tensor, p: Tensor, q: Tensor) -> Tensor:
        """Values of joints v, gathered at joints u by the topology of each channel, summed over the subsets."""
        subsets = len(self.graphs)
        weights, biases = (each.chunk(subsets) for each in self.value.parameters())
        # One subset after the other, so that no product needs its factors in another order of axes.
        values = (F.conv2d(x, *each).flatten(0, 1) for each in zip(weights, biases, strict=True))
        embedded = zip(p.chunk(subsets, dim=1), q.chunk(subsets, dim=1), strict=True)
        graphs = (self._topology(subset, *each).flatten(0, 1) for subset, each in enumerate(embedded))
        first, *others = zip(values, graphs, strict=True)
        z = torch.bmm(*first)
        for each in others:
            z = torch.baddbmm(z, *each)
        return z.unflatten(0, (x.shape[0], -1))

    def _topology(self, subset: int, p: Tensor, q: Tensor) -> Tensor:
        """(N, C, V, V) from joints v to joints u: alpha (W tanh(p_u - q_v) + b) + A_uv in one product.

        Both what all channels share and what all pairs share are pairs and channels more of the small factors.
        """
        difference = torch.tanh(p.unsqueeze(-2) - q.unsqueeze(-1))
        graph = self.graphs[subset].t().to(difference.dtype)
        shared = torch.stack([torch.ones_like(graph), graph]).expand(p.shape[0], -1, -1, -1)
        of_pairs = torch.cat([difference, shared], dim=1).flatten(2)
        weight, bias = self.alpha * self.refine_weight[subset], self.alpha * self.refine_bias[subset]
        of_channels = torch.cat([weight, bias, torch.ones_like(bias)], dim=1)
        return torch.bmm(of_channels.expand(p.shape[0], -1, -1), of_pairs).unflatten(-1, graph.shape)
