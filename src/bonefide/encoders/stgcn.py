# SPDX-License-Identifier: Apache-2.0
"""ST-GCN: graph convolution over the partitioned neighbours of a joint, then convolution along time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bonefide.encoders._stgcn_portable import portable_map
from bonefide.errors import ShapeError
from bonefide.layers.dropout import dropout
from bonefide.layers.persons import PersonBatchNorm, distinct_persons
from bonefide.layers.portable_conv import portable_pays
from bonefide.layers.tiled_conv import convolve_frames, tiles_pay
from bonefide.layouts.graph import Strategy
from bonefide.layouts.layout import SkeletonLayout
from bonefide.types import Features

__all__ = ["STGCN"]

# Channels of the ten blocks in units of `base_channels`, and where time is halved.
_WIDTHS = (1, 1, 1, 1, 2, 2, 2, 4, 4, 4)
_STRIDES = (1, 1, 1, 1, 2, 1, 1, 2, 1, 1)
_MAP_STRIDE = 4
_STRATEGIES: dict[str, Strategy] = {
    "spatial": "stgcn_spatial",
    "spatial_true": "stgcn_spatial_true",
    "distance": "stgcn_distance",
    "uniform": "stgcn_uniform",
}


class STGCN(nn.Module):
    """Spatial temporal graph convolutional network.

    The neighbours of a joint are split into subsets k (itself, those farther from the centre of the body, those
    nearer), each with a matrix of its own; how much an edge counts is learned in every block:

        h[c, t, w] = sum over k, v of (W_k x)[c, t, v] (A_k * M_k)[v, w]

    and nine frames are convolved along time. The light networks of other papers are options: SMIE and PGFA have
    `base_channels=16, last_channels=256, init="default"`.

    Args:
        layout: the skeleton; gives V and the graphs.
        in_channels: coordinates C.
        partition: how neighbours are split. "spatial" is the released code's, which takes all joints more than one bone
            away from the centre for equally far; "spatial_true" is the paper's; "distance" tells only a joint from its
            neighbours, "uniform" nothing.
        base_channels: width of the first four blocks, at least 1; doubled in the fifth and in the eighth.
        last_channels: width of the tenth block, None for four times `base_channels`.
        dropout: share of activations dropped in training, from 0 to below 1, in all blocks but the first.
        edge_importance: whether M is learned; all ones if not.
        ignore_joints: joints, 0-based, that take part only in the first normalisation; edges to them are cut.
        init: "official" draws all weights from N(0, 0.02) and those of norms from N(1, 0.02), as the training code
            does; "default" keeps the start of the framework's layers, as SMIE and PGFA do.

    Shape:
        clip: (N, C, T, V, M), any M; absent persons are zeros and are processed like any other.
        map: (N, M, D, ceil(ceil(T / 2) / 2), V'), D = `last_channels`, V' the joints that are not ignored, in order.
        pooled: (N, D).

    Raises:
        ShapeError: if a width is below 1, `dropout` outside 0 to 1, an ignored joint not there or none left, or a clip
            does not fit.

    Reference:
        Yan, Xiong, Lin. Spatial Temporal Graph Convolutional Networks for Skeleton-Based Action Recognition. AAAI 2018.
        arXiv:1801.07455.

    Differs from the official code:
        The subsets are summed by products over their sources before the channels are mixed where that is less work, and
        on a CPU the long convolutions are computed by short Fourier transforms (`layers.tiled_conv`); equal up to the
        order of float sums. In evaluation absent persons are computed once (`layers.persons`). No classifier: methods
        have it. SMIE's joints to ignore are an option here and an argument of the forward pass there.

    Example:
        >>> from bonefide.layouts import layout
        >>> encoder = STGCN(layout("ucla20"), 3, base_channels=8)
        >>> features = encoder(torch.zeros(2, 3, 16, 20, 1))
        >>> tuple(features.map.shape), tuple(features.pooled.shape)
        ((2, 1, 32, 4, 20), (2, 32))
    """

    needs_joints = False
    map_axis = "joint"
    kept: Tensor

    def __init__(
        self,
        layout: SkeletonLayout,
        in_channels: int = 3,
        *,
        partition: Literal["spatial", "spatial_true", "distance", "uniform"] = "spatial",
        base_channels: int = 64,
        last_channels: int | None = None,
        dropout: float = 0.5,
        edge_importance: bool = True,
        ignore_joints: Sequence[int] = (),
        init: Literal["official", "default"] = "official",
    ) -> None:
        super().__init__()
        self.in_channels, self.joints = in_channels, len(layout.joints)
        self.out_channels = 4 * base_channels if last_channels is None else last_channels
        if base_channels < 1 or self.out_channels < 1:
            raise ShapeError(f"channels must be at least 1, got base {base_channels}, last {self.out_channels}")
        if not 0 <= dropout < 1:
            raise ShapeError(f"dropout must be from 0 to below 1, got {dropout}")
        kept = _kept_joints(self.joints, ignore_joints)
        self.register_buffer("kept", torch.tensor(kept), persistent=False)
        graphs = torch.tensor(layout.adjacency(_STRATEGIES[partition]), dtype=torch.float32)
        self.input_norm = PersonBatchNorm(in_channels, self.joints, 1)
        widths = [in_channels, *(base_channels * width for width in _WIDTHS[:-1]), self.out_channels]
        self.blocks = nn.ModuleList(
            _Block(
                widths[i],
                widths[i + 1],
                graphs,
                stride=stride,
                residual=i > 0,
                share=dropout if i else 0.0,
                edge_importance=edge_importance,
            )
            for i, stride in enumerate(_STRIDES)
        )
        if init == "official":
            self.apply(_draw_small)

    def map_size(self, frames: int) -> tuple[int, int, int]:
        """(D', T', V') of the map."""
        return self.out_channels, -(-frames // _MAP_STRIDE), len(self.kept)

    def forward(self, clip: Tensor, joints: Tensor | None = None) -> Features:
        """Encode clips; `joints` is not used."""
        if clip.ndim != 5 or (clip.shape[1], clip.shape[3]) != (self.in_channels, self.joints):
            raise ShapeError(
                f"built for clips (N, C={self.in_channels}, T, V={self.joints}, M), got {tuple(clip.shape)}"
            )
        persons = distinct_persons(clip, self)
        x = persons.select(clip.permute(0, 4, 1, 2, 3).flatten(0, 1))
        x = self.input_norm(x.unsqueeze(-1))
        kept = None if len(self.kept) == self.joints else self.kept
        if kept is not None:
            x = x.index_select(-1, kept)
        if portable_pays(self.out_channels):
            feature_map = persons.unfold(portable_map(x, self.blocks, kept))
            return Features(feature_map, feature_map.mean(dim=(1, 3, 4)))
        frames_first = tiles_pay(x)
        if frames_first:
            x = x.transpose(0, 2).contiguous(memory_format=torch.channels_last)
        for block in self.blocks:
            x = block(x, kept, frames_first=frames_first)
        if frames_first:
            x = x.transpose(0, 2)
        feature_map = persons.unfold(x)
        return Features(feature_map, feature_map.mean(dim=(1, 3, 4)))


class _Block(nn.Module):
    """Works on (N, C, T, V) and, frames first, on (T, C, N, V): only what moves along time must know."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        graphs: Tensor,
        *,
        stride: int,
        residual: bool,
        share: float,
        edge_importance: bool,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.spatial = _PartitionedGraphConv(in_channels, out_channels, graphs, edge_importance=edge_importance)
        self.spatial_norm = nn.BatchNorm2d(out_channels)
        self.temporal = nn.Conv2d(out_channels, out_channels, (9, 1), stride=(stride, 1), padding=(4, 0))
        self.temporal_norm = nn.BatchNorm2d(out_channels)
        self.share = share
        self.residual: nn.Module | None = None
        if residual and (in_channels != out_channels or stride != 1):
            self.residual = nn.Sequential(nn.Conv2d(in_channels, out_channels, 1), nn.BatchNorm2d(out_channels))
        elif residual:
            self.residual = nn.Identity()

    def forward(self, x: Tensor, kept: Tensor | None, *, frames_first: bool) -> Tensor:
        y = torch.relu(self.spatial_norm(self.spatial(x, kept, frames_first=frames_first)))
        y = self.temporal_norm(convolve_frames(y, self.temporal, frames_first=frames_first))
        y = dropout(y, self.share, training=self.training)
        if self.residual is not None:
            if self.stride != 1:
                x = x[:: self.stride] if frames_first else x[:, :, :: self.stride]
            y = y + self.residual(x)
        return torch.relu(y)


class _PartitionedGraphConv(nn.Module):
    """The subsets k lie side by side in the output channels of `mix`, as in the released weights."""

    graphs: Tensor

    def __init__(self, in_channels: int, out_channels: int, graphs: Tensor, *, edge_importance: bool) -> None:
        super().__init__()
        self.register_buffer("graphs", graphs, persistent=False)
        self.mix = nn.Conv2d(in_channels, len(graphs) * out_channels, 1)
        self.importance = nn.Parameter(torch.ones_like(graphs)) if edge_importance else None

    def forward(self, x: Tensor, kept: Tensor | None, *, frames_first: bool) -> Tensor:
        graphs = self.weighted_graphs(kept)
        # The widths grow, so gathering from neighbours comes before mixing; its subsets are then input channels.
        gathered = _gather_channels_last(x, graphs) if frames_first else _gather(x, graphs)
        subsets, channels = len(graphs), x.shape[1]
        weight = self.mix.weight.view(subsets, -1, channels).transpose(0, 1).flatten(1)[..., None, None]
        if self.mix.bias is None:
            return F.conv2d(gathered, weight)
        bias = torch.einsum("kd,kw->dw", self.mix.bias.view(subsets, -1), graphs.sum(dim=1))
        return F.conv2d(gathered, weight) + bias.unsqueeze(1)

    def weighted_graphs(self, kept: Tensor | None) -> Tensor:
        """(K, V, V), from source to target, of the joints that are kept."""
        graphs = self.graphs if self.importance is None else self.graphs * self.importance
        return graphs if kept is None else graphs.index_select(1, kept).index_select(2, kept)


def _gather(x: Tensor, graphs: Tensor) -> Tensor:
    """(N, C, T, V) to (N, K * C, T, V)."""
    return torch.cat([torch.matmul(x, graph) for graph in graphs.unbind()], dim=1)


def _gather_channels_last(x: Tensor, graphs: Tensor) -> Tensor:
    """The same where channels are last in memory: then one product writes everything to its place."""
    n, _, t, v = x.shape
    to_all = graphs.permute(2, 0, 1).flatten(0, 1).expand(n * t, -1, -1)
    gathered = torch.bmm(to_all, x.permute(0, 2, 3, 1).flatten(0, 1))
    return gathered.view(n, t, v, -1).permute(0, 3, 1, 2)


def _kept_joints(joints: int, ignored: Sequence[int]) -> list[int]:
    if strange := [joint for joint in ignored if not 0 <= joint < joints]:
        raise ShapeError(f"ignore_joints: there is no joint {strange[0]}, they are 0 to {joints - 1}")
    kept = [joint for joint in range(joints) if joint not in set(ignored)]
    if not kept:
        raise ShapeError("ignore_joints leaves no joint")
    return kept


def _draw_small(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.normal_(module.weight, 0, 0.02)
    elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1, 0.02)
    if isinstance(module, nn.Conv2d) and module.bias is not None:
        nn.init.zeros_(module.bias)
