# SPDX-License-Identifier: Apache-2.0
"""What Neuron makes of features, formula by formula and slowly: to check the fast one, and to time it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Branch = tuple[list[Tensor], list[Tensor], list[Tensor]]
"""Of each level: prototypes averaged, embeddings, logits."""


def plain_match(
    matcher: nn.Module,
    cube: Tensor,
    texts: Sequence[Sequence[Tensor]],
    *,
    windows: Sequence[int | None] = (5, 10, None),
    scale: float = 0.1,
    top_k: int = 10,
) -> tuple[Branch, Branch]:
    """Spatial and temporal branch.

    Args:
        matcher: whose `spatial` and `temporal` hold the weights.
        cube: (N, D', T', V').
        texts: spatial and temporal ones, of each level (K, P, E).
    """
    spatial = plain_spatial(matcher.spatial.prototypes, cube.mean(dim=2), matcher.spatial.update)
    memory = matcher.temporal
    temporal = plain_temporal(memory, cube.mean(dim=3), windows)
    found = []
    for levels, project, kinds in zip(
        (spatial, temporal), (matcher.spatial_project, matcher.temporal_project), texts, strict=True
    ):
        pooled = [level.mean(dim=1) for level in levels]
        embedded = [F.normalize(torch.relu(project(each)), dim=1) for each in pooled]
        logits = [_logits(each, kind, scale, top_k) for each, kind in zip(embedded, kinds, strict=True)]
        found.append((pooled, embedded, logits))
    return found[0], found[1]


def plain_spatial(prototypes: Tensor, features: Tensor, update: nn.ModuleList) -> list[Tensor]:
    current = prototypes.expand(len(features), -1, -1)
    levels = []
    for level in range(3):
        z = torch.einsum("bcj,bvc->bjv", features, current)
        r = z.softmax(dim=1)
        order = z.argsort(dim=2, stable=True)
        mask = torch.ones_like(r).scatter(2, order[:, :, : (level + 1) * len(prototypes) // 4], 1e-12)
        q = torch.einsum("bjv,bcj->bvc", r * mask, features)
        current = _network(update[level], q)
        levels.append(current)
    return levels


def plain_temporal(memory: nn.Module, features: Tensor, windows: Sequence[int | None]) -> list[Tensor]:
    current = memory.prototypes.expand(len(features), -1, -1)
    levels = []
    for level, window in enumerate(windows):
        seen = features[:, :, :window]
        z = torch.einsum("bct,bac->bta", seen, current)
        g = torch.einsum("bta,bct->bac", z.softmax(dim=1), seen)
        keep = torch.sigmoid(_network(memory.recall[level], g))
        take = torch.sigmoid(_network(memory.memory[level], g))
        current = keep * current + take * _network(memory.update[level], g)
        levels.append(current)
    return levels


def _network(layers: nn.Module, x: Tensor) -> Tensor:
    return torch.relu(layers.second(torch.relu(layers.first(x))))


def _logits(embedding: Tensor, texts: Tensor, scale: float, top_k: int) -> Tensor:
    cosines = torch.einsum("be,kpe->bkp", embedding, F.normalize(texts, dim=2))
    return scale * cosines.topk(min(top_k, texts.shape[1]), dim=2).values.mean(dim=2)
