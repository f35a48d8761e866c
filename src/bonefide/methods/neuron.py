# SPDX-License-Identifier: Apache-2.0
"""Neuron: prototypes evolve from coarse to fine with joints and frames, and meet texts of the same grain."""

from __future__ import annotations

from typing import Literal, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bonefide.data.class_splits import ClassSplit
from bonefide.encoders._encoder import Encoder
from bonefide.errors import DataError, ShapeError
from bonefide.methods._class_texts import ClassTexts
from bonefide.methods._evolving_prototypes import Rewriting, SpatialCompression, TemporalMemory
from bonefide.methods._method import Method
from bonefide.text.bank import TextBank
from bonefide.types import Batch, Outputs

__all__ = ["Neuron"]

_SPATIAL = ("spatial_coarse", "spatial_mid", "spatial_fine")
_TEMPORAL = ("temporal_1", "temporal_12", "temporal_123")


class Neuron(Method):
    """Zero-shot recognition by two branches of three levels, on an encoder that learns nothing more.

    Learned prototypes gather features of joints, fewer at each level, and others those of frames, more at each level
    and with a memory. Averaged and projected, q_l, they are compared with texts that are finer at each level, or tell
    more phases of the action. A logit of class c is `scale` times the mean of its largest cosines with the texts.

        loss: (mean over levels of the cross-entropy of the spatial logits + the same of the temporal ones) / 2
        score: spatial logit of level 3 + temporal logit of level 3

    Args:
        encoder: from clips to features, whose map is used; no gradient reaches it.
        num_classes: classes K, seen or not.
        texts: of all classes: `spatial_coarse`, `_mid`, `_fine`, `temporal_1`, `_12` and `_123`; the last of either is
            enough to recognise.
        classes: which are seen.
        frames: clip length T.
        prototypes: of either branch, a multiple of 4.
        windows: places along time that the first two temporal levels see; the third sees all.
        scale: factor on cosines, above 0; the published one is for NTU RGB+D 60.
        top_k: sentences of a class that count, those most similar, at least 1; if there are fewer, all.
        independent_init: whether all networks start different; as published those that update temporal prototypes start
            equal, and so do all the others.
        encoder_norms: "evaluation": batch norms of the encoder are as they were trained. "train": in training they use
            and learn statistics of the batch, as published.
        present_only: whether absent persons are left out when persons are averaged; as published they are not.

    Shape:
        batch.clip: (N, C, T, V, M).
        logits: (N, K).
        embedding: (N, 2 E), of joints and of frames, each of length 1.
        branches: "spatial" and "temporal", each (N, K); their sum is the logits.

    Raises:
        ShapeError: if `num_classes` are not those of the texts, or an option is out of its range.
        DataError: if texts are missing.

    Reference:
        Chen, Guo, Guo, Tao. Neuron: Learning Context-Aware Evolving Representations for Zero-Shot Skeleton Action
        Recognition. CVPR 2025. arXiv:2411.11288.

    Differs from the official code:
        One prediction for each sample; there it counts as right if either branch is. The encoder is in evaluation mode.
        Unused networks are not built. Any number of joints, frames, sentences and prototypes, there 25, 16, 10 and 80.
        Products are taken in another order, so sums differ in their last digits; among prototypes equal for a joint the
        first count as the lower ones, there it is left to the sort.

    Example:
        >>> import numpy as np
        >>> from bonefide.encoders.ctrgcn import CTRGCN
        >>> from bonefide.layouts import layout
        >>> rows = np.eye(3, 8, dtype=np.float32)[:, None]
        >>> texts = TextBank(("sit", "stand", "walk"), dict.fromkeys(_SPATIAL + _TEMPORAL, rows), {}, "made up")
        >>> encoder = CTRGCN(layout("ucla20"), 3, persons=1, base_channels=8)
        >>> method = Neuron(encoder, 3, texts, ClassSplit("mine", (0, 2), (1,)), frames=16, prototypes=8)
        >>> batch = Batch(torch.rand(2, 3, 16, 20, 1), torch.tensor([0, 2]), torch.tensor([0, 1]))
        >>> list(method.losses(batch)), tuple(method.outputs(batch).logits.shape)
        (['spatial', 'temporal'], (2, 3))
    """

    frozen_encoder = True
    only_training = tuple(f"texts.{kind}" for kind in (*_SPATIAL[:-1], *_TEMPORAL[:-1]))

    def __init__(
        self,
        encoder: Encoder,
        num_classes: int,
        texts: TextBank,
        classes: ClassSplit,
        *,
        frames: int,
        prototypes: int = 80,
        windows: tuple[int, int] = (5, 10),
        scale: float = 0.1,
        top_k: int = 10,
        independent_init: bool = False,
        encoder_norms: Literal["evaluation", "train"] = "evaluation",
        present_only: bool = False,
    ) -> None:
        super().__init__()
        _check(texts, num_classes, windows, scale, top_k)
        channels = encoder.map_size(frames)[0]
        self.encoder = encoder
        self.scale, self.top_k = scale, top_k
        self.encoder_norms, self.present_only = encoder_norms, present_only
        self.texts = ClassTexts(texts, classes, _kept(texts))
        first, second = (None, None) if independent_init else (Rewriting(channels), Rewriting(channels))
        self.spatial = SpatialCompression(prototypes, channels, start=first)
        self.temporal = TemporalMemory(prototypes, channels, windows=windows, start=second, start_of_gates=first)
        self.spatial_project = nn.Linear(channels, texts.width)
        self.temporal_project = nn.Linear(channels, texts.width)
        self.train()

    def train(self, mode: bool = True) -> Self:
        """As any module, but the encoder stays in evaluation mode, with its batch norms unless asked otherwise."""
        super().train(mode)
        for module in self.get_submodule("encoder").modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.train(mode and self.encoder_norms == "train")
        return self

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Half the mean cross-entropy over levels of the spatial branch, and the same of the temporal one.

        Raises:
            DataError: if there are no texts for the first two levels.
        """
        target = self.texts.places[batch.label]
        spatial, temporal = self._levels(batch)
        return {
            "spatial": self._loss(self._embedded(spatial, self.spatial_project), _SPATIAL, target),
            "temporal": self._loss(self._embedded(temporal, self.temporal_project), _TEMPORAL, target),
        }

    def outputs(self, batch: Batch) -> Outputs:
        """Logits of all classes by the last level of both branches, and what they compare with texts."""
        spatial, temporal = self._levels(batch)
        joints = self._embedded(spatial[-1:], self.spatial_project)[0]
        frames = self._embedded(temporal[-1:], self.temporal_project)[0]
        branches = {
            "spatial": self._compared(joints, self.texts.of(_SPATIAL[-1])),
            "temporal": self._compared(frames, self.texts.of(_TEMPORAL[-1])),
        }
        embedding = torch.cat([joints, frames], dim=1)
        return Outputs(logits=branches["spatial"] + branches["temporal"], embedding=embedding, branches=branches)

    def class_vectors(self) -> Tensor:
        """Mean sentences of the last levels, (K, 2 E), whose products with embeddings are the logits over `scale`."""
        return torch.cat([_mean_sentence(self.texts.of(kinds[-1])) for kinds in (_SPATIAL, _TEMPORAL)], dim=1)

    def _levels(self, batch: Batch) -> tuple[list[Tensor], list[Tensor]]:
        """Prototypes of every level of both branches, (N, A, D')."""
        with torch.no_grad():
            found = self.encoder(batch.clip, batch.joints).map
            persons = found.mean(dim=1) if not self.present_only else _mean_of_present(found, batch.clip)
            joints, frames = persons.mean(dim=2).mT.contiguous(), persons.mean(dim=3).mT.contiguous()
        return self.spatial(joints), self.temporal(frames)

    def _embedded(self, levels: list[Tensor], project: nn.Linear) -> Tensor:
        """Vectors of length 1 of each level, (levels, N, E)."""
        pooled = torch.stack([level.mean(dim=1) for level in levels])
        return F.normalize(torch.relu(project(pooled)), dim=2)

    def _loss(self, embedded: Tensor, kinds: tuple[str, ...], target: Tensor) -> Tensor:
        if missing := [kind for kind in kinds if not hasattr(self.texts, kind)]:
            raise DataError(f"Neuron trains with texts '{missing[0]}', and these have none; give data.texts that do")
        seen = self.texts.seen
        logits = [self._compared(level, self.texts.of(kind)[seen]) for level, kind in zip(embedded, kinds, strict=True)]
        return F.cross_entropy(torch.cat(logits), target.repeat(len(kinds))) / 2

    def _compared(self, embedded: Tensor, texts: Tensor) -> Tensor:
        """Logits (N, K) by texts (K, P, E)."""
        if self.top_k >= texts.shape[1]:
            return self.scale * (embedded @ _mean_sentence(texts).mT)
        cosines = embedded @ F.normalize(texts, dim=2).flatten(0, 1).mT
        return self.scale * cosines.unflatten(1, texts.shape[:2]).topk(self.top_k, dim=2).values.mean(dim=2)


def _mean_sentence(texts: Tensor) -> Tensor:
    """Mean (K, E) of sentences (K, P, E) that are brought to length 1."""
    length = torch.linalg.vector_norm(texts, dim=2).clamp(min=1e-12)
    return torch.einsum("kp,kpe->ke", 1 / (texts.shape[1] * length), texts)


def _mean_of_present(found: Tensor, clip: Tensor) -> Tensor:
    """Over persons (N, M, D', T', V') whose clips are not all zeros."""
    present = clip.ne(0).flatten(1, 3).any(dim=1).to(found.dtype)
    shares = present / present.sum(dim=1, keepdim=True).clamp(min=1)
    return torch.einsum("nm,nmdtv->ndtv", shares, found)


def _check(texts: TextBank, num_classes: int, windows: tuple[int, int], scale: float, top_k: int) -> None:
    if num_classes != len(texts.classes):
        raise ShapeError(f"there are {num_classes} classes, but texts of {len(texts.classes)}")
    if min(windows) < 1:
        raise ShapeError(f"windows must see at least 1 place along time, got {windows}")
    if not scale > 0:
        raise ShapeError(f"scale must be above 0, got {scale}")
    if top_k < 1:
        raise ShapeError(f"top_k must be at least 1, got {top_k}")


def _kept(texts: TextBank) -> list[str]:
    """Kinds of sentences: those of the last levels, and of the others what there is."""
    return [kind for kinds in (_SPATIAL, _TEMPORAL) for kind in kinds if kind in texts.kinds or kind == kinds[-1]]
