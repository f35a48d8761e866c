# SPDX-License-Identifier: Apache-2.0
"""Fine-tuning: an encoder and a classifier learn together, early layers more slowly."""

from __future__ import annotations

import re
from collections import defaultdict

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bonefide.encoders._encoder import Encoder
from bonefide.errors import ShapeError
from bonefide.layers.transformer_block import xavier_
from bonefide.methods._method import Method, ParameterGroup
from bonefide.types import Batch, Outputs

__all__ = ["Finetune"]

_BLOCK = re.compile(r"(?:^|\.)blocks\.(\d+)\.")


class Finetune(Method):
    """Cross-entropy on an encoder whose joints are told apart by the classifier; semi-supervised and transfer too.

    Features are averaged over time and persons, those of all joints go through a hidden layer with batch norm. With L
    blocks in the encoder, what comes before the first learns at `layer_decay` to the power of L + 1 times the rate,
    block i (0-based) of L - i, what comes behind and the classifier at the rate. Parameters with one axis are not
    decayed.

    Args:
        encoder: from clips to features; its map and `map_size` are used.
        num_classes: classes K.
        frames: clip length T.
        hidden: features of the hidden layer, at least 1.
        dropout: share of the encoder's features dropped in training, from 0 to below 1.
        label_smoothing: share of the target spread evenly over all classes, from 0 to below 1.
        layer_decay: above 0 and at most 1; 1 lets all layers learn alike, and any encoder will do.

    Shape:
        batch.clip: (N, C, T, V, M).
        logits: (N, K).

    Raises:
        ShapeError: if `frames` is not given, an option is out of its range, or the encoder has no blocks to tell layers
            by.

    Reference:
        Mao, Deng, Zhou, Fang, Ouyang, Li. Masked Motion Predictors are Strong 3D Action Representation Learners. ICCV
        2023. arXiv:2308.07092.

    Differs from the official code:
        Any number of joints and any encoder; there 25 joints of one. Persons are averaged before features of joints are
        put side by side, which is the same.

    Example:
        >>> from bonefide.encoders.masked_transformer import MaskedTransformer
        >>> from bonefide.layouts import layout
        >>> encoder = MaskedTransformer(layout("ucla20"), 3, frames=16, width=16, depth=2, heads=2)
        >>> method = Finetune(encoder, 10, frames=16, hidden=32)
        >>> sorted({round(group.lr_scale, 3) for group in method.parameter_groups()})
        [0.512, 0.64, 0.8, 1.0]
    """

    def __init__(
        self,
        encoder: Encoder,
        num_classes: int,
        *,
        frames: int,
        hidden: int = 2048,
        dropout: float = 0.3,
        label_smoothing: float = 0.1,
        layer_decay: float = 0.8,
    ) -> None:
        super().__init__()
        if frames is None:
            raise ShapeError("fine-tuning needs frames, the clip length")
        if hidden < 1 or not 0 < layer_decay <= 1:
            raise ShapeError(f"hidden must be at least 1 and layer_decay in (0, 1], got {hidden} and {layer_decay}")
        if not (0 <= dropout < 1 and 0 <= label_smoothing < 1):
            raise ShapeError(f"dropout and label_smoothing must be in [0, 1), got {dropout} and {label_smoothing}")
        self.encoder = encoder
        channels, _, joints = encoder.map_size(frames)
        self.dropout = nn.Dropout(dropout)
        self.head = _Head(joints * channels, hidden, num_classes)
        self.label_smoothing, self.layer_decay = label_smoothing, layer_decay
        if layer_decay != 1 and _depth(self) == 0:
            raise ShapeError(
                f"layer_decay {layer_decay} needs an encoder with blocks, {type(encoder).__name__} has none; give 1"
            )

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy, under that name."""
        logits = self._logits(batch)
        return {"cross_entropy": F.cross_entropy(logits, batch.label, label_smoothing=self.label_smoothing)}

    def outputs(self, batch: Batch) -> Outputs:
        """Logits."""
        return Outputs(logits=self._logits(batch))

    def parameter_groups(self) -> list[ParameterGroup]:
        """One for each layer, and for what of it is decayed and what is not."""
        layers = _layers(self)
        depth = _depth(self)
        groups: defaultdict[tuple[int, bool], list[str]] = defaultdict(list)
        for name, parameter in self.named_parameters():
            groups[layers[name], parameter.ndim > 1].append(name)
        return [
            ParameterGroup(tuple(names), self.layer_decay ** (depth + 1 - layer), None if decayed else 0.0)
            for (layer, decayed), names in sorted(groups.items())
        ]

    def _logits(self, batch: Batch) -> Tensor:
        # (N, M, D, T, V)
        features = self.dropout(self.encoder(batch.clip, batch.joints).map)
        return self.head(features.mean(dim=(1, 3)).mT.flatten(1))


class _Head(nn.Module):
    """From features of all joints to logits."""

    def __init__(self, width: int, hidden: int, num_classes: int) -> None:
        super().__init__()
        self.expand = nn.Linear(width, hidden)
        self.norm = nn.BatchNorm1d(hidden)
        self.classify = nn.Linear(hidden, num_classes)
        for layer in (self.expand, self.classify):
            xavier_(layer)

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(torch.relu(self.norm(self.expand(x))))


def _depth(method: nn.Module) -> int:
    numbers = [int(found[1]) for name, _ in method.named_parameters() if (found := _BLOCK.search(name))]
    return max(numbers, default=-1) + 1


def _layers(method: nn.Module) -> dict[str, int]:
    """Parameters to their layers: 0 before the blocks, which are numbered from 1, then one more for all the rest."""
    layers, behind, last = {}, 0, _depth(method) + 1
    for name, _ in method.named_parameters():
        found = _BLOCK.search(name) if name.startswith("encoder.") else None
        if found is not None:
            behind = last
        layers[name] = int(found[1]) + 1 if found else (behind if name.startswith("encoder.") else last)
    return layers
