# SPDX-License-Identifier: Apache-2.0
"""Hyperformer: attention among the joints of a frame that knows bones and parts of the body."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bonefide.errors import ShapeError
from bonefide.layers.persons import PersonBatchNorm, distinct_persons
from bonefide.layers.temporal_conv import MultiScaleTemporalConv, TemporalConv
from bonefide.layouts.body_parts import Parts, body_parts
from bonefide.layouts.hands import flat_hands
from bonefide.layouts.layout import SkeletonLayout
from bonefide.types import Features

__all__ = ["Hyperformer"]

_STRIDES = (1, 1, 1, 1, 2, 1, 1, 2, 1, 1)
_MAP_STRIDE = 4
_HEAD_CHANNELS = 24
# Of the convolution behind the heads, whatever their number.
_OUT_GROUPS = 6


class Hyperformer(nn.Module):
    """Hypergraph transformer.

    Every block lets each joint n of a frame look at the joints m of the same frame, then convolves along time at
    several scales. How much n looks at m depends on both, on the bones between them, and on what is known of the part
    of the body (the hyperedge) that m belongs to. In every head h

        s[n, m] = (q_n . k_m + q_n . R[hop(n, m)] + q_n . e_m + w . e_m) / sqrt(24)
        o_n = sum over m of (alpha softmax_m(s)[n, m] + O[n, m]) v_m

    where q, k, v are projections of the normalised joints, R embeds distances in bones, e_m is a projection of the mean
    of the joints of m's part, and O is a learned graph that starts as the identity.

    Args:
        layout: the skeleton; gives V and the distances between joints. Those of Kinect v2 are taken with tips and
            thumbs joined to the hand, see `bonefide.layouts.hands.flat_hands`.
        in_channels: coordinates C.
        persons: person slots M.
        parts: grouping of the joints, one of `layout.parts`; None takes `hyperformer` where the layout has it, else
            trunk, arms and legs, see `bonefide.layouts.body_parts.body_parts`. For the bones of NW-UCLA the paper has
            `hyperformer_bone`.
        heads: attention heads of 24 channels each; the published network has 9.

    Shape:
        clip: (N, C, T, V, M); absent persons are zeros and are processed like any other.
        map: (N, M, 24 * heads, ceil(ceil(T / 2) / 2), V).
        pooled: (N, 24 * heads).

    Raises:
        ShapeError: if `heads` is below 1, the parts do not hold every joint once, or a clip does not fit.
        UnknownNameError: if the layout has no such parts.

    Reference:
        Zhou, Cheng, Li, Fang, Geng, Xie, Keuper. Hypergraph Transformer for Skeleton-Based Action Recognition. 2022.
        arXiv:2211.09590.

    Differs from the official code:
        q.k and q.e are one product, q.R is taken once for each distance instead of each pair of joints, and queries,
        keys and values are projected side by side; equal up to the order of float sums. Tips and thumbs hang on the
        hands without a layout of their own. In evaluation absent persons are computed once (`layers.persons`). No
        classifier: methods have it.

    Example:
        >>> from bonefide.layouts import layout
        >>> encoder = Hyperformer(layout("ucla20"), 3, persons=1, heads=1)
        >>> features = encoder(torch.zeros(2, 3, 16, 20, 1))
        >>> tuple(features.map.shape), tuple(features.pooled.shape)
        ((2, 1, 24, 4, 20), (2, 24))
    """

    needs_joints = False
    map_axis = "joint"

    def __init__(
        self,
        layout: SkeletonLayout,
        in_channels: int = 3,
        *,
        persons: int = 2,
        parts: str | None = None,
        heads: int = 9,
    ) -> None:
        super().__init__()
        if heads < 1:
            raise ShapeError(f"heads must be at least 1, got {heads}")
        hops = torch.from_numpy(flat_hands(layout).hops())
        members = _membership(body_parts(layout, parts, preferred="hyperformer"), len(hops))
        self.persons, self.joints, self.out_channels = persons, len(hops), heads * _HEAD_CHANNELS
        self.input_norm = PersonBatchNorm(in_channels, self.joints, persons)
        widths = [in_channels] + [self.out_channels] * len(_STRIDES)
        self.blocks = nn.ModuleList(
            _Block(widths[i], self.out_channels, hops, members, heads=heads, stride=stride)
            for i, stride in enumerate(_STRIDES)
        )

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
    def __init__(
        self, in_channels: int, out_channels: int, hops: Tensor, members: Tensor, *, heads: int, stride: int
    ) -> None:
        super().__init__()
        self.attention = _HypergraphAttention(in_channels, out_channels, hops, members, heads=heads)
        self.temporal = MultiScaleTemporalConv(out_channels, out_channels, stride=stride)
        self.skip: nn.Module = nn.Identity()
        self.residual: nn.Module = nn.Identity()
        if in_channels != out_channels:
            self.skip = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        if in_channels != out_channels or stride != 1:
            self.residual = TemporalConv(in_channels, out_channels, kernel=1, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.skip(x) + self.attention(x)
        return torch.relu(self.temporal(y) + self.residual(x))


class _HypergraphAttention(nn.Module):
    """Attention among the joints of each frame.

    `project` holds queries, keys and values side by side, heads slow. Heads lie slowest in all that follows it, so that
    one product takes all frames of a head by the embedded distances.

    Shape:
        x: (N, C, T, V).
        returned: (N, D, T, V).
    """

    def __init__(self, in_channels: int, out_channels: int, hops: Tensor, members: Tensor, *, heads: int) -> None:
        super().__init__()
        self.heads, self.scale = heads, _HEAD_CHANNELS**-0.5
        self.norm = nn.LayerNorm(in_channels)
        self.project = nn.Linear(in_channels, 3 * out_channels, bias=False)
        self.project_parts = nn.Linear(in_channels, out_channels, bias=False)
        self.distances = nn.Parameter(torch.zeros(int(hops.max()) + 1, out_channels))
        self.part_weight = nn.Parameter(torch.zeros(heads, _HEAD_CHANNELS))
        self.graph = nn.Parameter(torch.eye(len(hops)).repeat(heads, 1, 1))
        self.alpha = nn.Parameter(torch.zeros(1))
        share = out_channels // _OUT_GROUPS
        self.out_weight = nn.Parameter(torch.empty(_OUT_GROUPS, share, share).uniform_(-(share**-0.5), share**-0.5))
        self.out_bias = nn.Parameter(torch.empty(out_channels).uniform_(-(share**-0.5), share**-0.5))
        self.hops: Tensor
        self.members: Tensor
        self.register_buffer("hops", hops, persistent=False)
        self.register_buffer("members", members, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        count, _, frames, joints = x.shape
        last = x.permute(0, 2, 3, 1).contiguous()
        q, k, v = self._by_head(F.linear(self.norm(last), self._scaled_projections()))
        means = torch.matmul(self.members.mT, last) / self.members.sum(0).unsqueeze(1)
        (e,) = self._by_head(self.project_parts(means))
        # q.k and q.e are one product.
        members = self.members.to(e.dtype).expand(e.shape[0], -1, -1)
        scores = torch.baddbmm(self._bias(q, e, members), q, torch.baddbmm(k, members, e).mT)
        attention = scores.softmax(-1).unflatten(0, (self.heads, -1))
        mixed = (self.alpha * attention + self.graph.unsqueeze(1)).flatten(0, 1).to(v.dtype)
        # Transposed, so that joints lie last again.
        o = torch.bmm(v.mT, mixed.mT).view(self.heads, count, frames, -1, joints)
        return self._out(o.permute(1, 0, 3, 2, 4).flatten(1, 2))

    def _scaled_projections(self) -> Tensor:
        """Of queries, keys and values; scaling a matrix costs less than scaling scores."""
        queries, others = self.project.weight.tensor_split([len(self.out_bias)])
        return torch.cat([self.scale * queries, others])

    def _by_head(self, x: Tensor) -> list[Tensor]:
        """(N, T, V, kinds * D) to as many (H * N * T, V, D / H)."""
        kinds = x.flatten(0, 1).unflatten(-1, (-1, self.heads, _HEAD_CHANNELS)).unbind(2)
        return [kind.permute(2, 0, 1, 3).flatten(0, 1) for kind in kinds]

    def _bias(self, q: Tensor, e: Tensor, members: Tensor) -> Tensor:
        """q.R for the few distances there are, then spread over pairs of joints; w.e likewise over joints of parts."""
        r = self.distances.unflatten(1, (self.heads, -1)).permute(1, 2, 0)
        by_distance = torch.bmm(q.unflatten(0, (self.heads, -1)).flatten(1, 2), r).view(*q.shape[:2], -1)
        w = (self.scale * self.part_weight).unsqueeze(2)
        by_part = torch.bmm(e.unflatten(0, (self.heads, -1)).flatten(1, 2), w).view(e.shape[0], 1, -1)
        return by_distance.gather(2, self.hops.expand(q.shape[0], -1, -1)) + torch.bmm(by_part, members.mT)

    def _out(self, o: Tensor) -> Tensor:
        """A projection within each of the groups of channels."""
        y = torch.matmul(self.out_weight, o.unflatten(1, (_OUT_GROUPS, -1)).flatten(3))
        return y.view(o.shape) + self.out_bias[:, None, None]


def _membership(parts: Parts, joints: int) -> Tensor:
    """(V, parts), 1 where a joint belongs to a part."""
    members = torch.zeros(joints, len(parts))
    for number, part in enumerate(parts):
        members[list(part), number] = 1
    return members
