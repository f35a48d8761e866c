# SPDX-License-Identifier: Apache-2.0
"""PGFA: skeletons are drawn to the texts of their classes, and at test time texts to the skeletons that are there."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bonefide.data.class_splits import ClassSplit
from bonefide.encoders._encoder import Encoder
from bonefide.errors import ShapeError
from bonefide.losses.kl_alignment import Alignment, kl_alignment
from bonefide.methods._alignment import align, align_running
from bonefide.methods._class_texts import ClassTexts
from bonefide.methods._heads import linear_head
from bonefide.methods._method import Method
from bonefide.text.bank import TextBank
from bonefide.types import Array, Batch, Outputs

__all__ = ["PGFA"]

_SCALE = 1 / 0.07
_EXCLUDED = -2.0
"""Score of classes that are known not to be there; no cosine is as low."""


class PGFA(Method):
    """Zero-shot recognition by cosines of projected features and texts; encoder and projection are trained together.

    In training similarities within a batch are compared with which samples are of one class, see `kl_alignment`. A
    sample's scores are its cosines with the texts of all classes. `decide_together` is transductive: of all test
    samples, known to be of unseen classes, it averages those that are surely of a class, and compares with that
    average instead of the text, see `align`.

    Args:
        encoder: from clips to features; it is trained.
        num_classes: classes K.
        texts: of all classes.
        classes: which of them are seen.
        exemplars: one clip of each unseen class, in the order of `classes.unseen`, for `anchors="exemplar"`.
        text: kind of sentences; the paper has definitions. Vectors of several sentences are averaged.
        loss: see `kl_alignment`; the paper has "kl".
        margin: of some losses.
        weight: of the second part of some losses, at least 0.
        head: the projection: one layer as in the paper, or "mlp", two layers with a linear way past them.
        learn_scale: whether the factor of cosines in the loss, 1 / 0.07 at first, is learned.
        alpha: share of the samples taken for a class that are averaged, 0 to 1; the paper has 0.9 for NTU-60, 0.4 for
            NTU-120, 1 for PKU-MMD.
        iterations: of that, at least 1.
        interpolate: share of the text in the average, 0 to 1.
        streaming: samples that arrive together, at least 1: only those that have come so far are averaged. None waits
            for all.
        anchors: what unseen classes are compared with: texts, or as in one-shot recognition an "exemplar" each.
        fallback: what a class keeps that no sample is taken for: its anchor, or its text, as the authors do even where
            anchors are exemplars.

    Shape:
        batch.clip: (N, C, T, V, M).
        exemplars: (U, C, T, V, M).
        logits: (N, K), cosines.
        embedding: (N, E), projected features of any length.

    Raises:
        ShapeError: if an option is out of its range, or exemplars are wanted and not given, or not one for each class.
        DataError: if there are no texts of that kind.

    Reference:
        Zhou, Zhang, You, Hu, Tan, Liu. Zero-Shot Skeleton-based Action Recognition with Prototype-Guided Feature
        Alignment. IEEE TIP 2025. arXiv:2507.00566.

    Differs from the official code:
        The transductive scores are called so, and come from the weights of the inductive ones; there the best epoch of
        each on the test part is reported. One-shot: a class no sample is taken for keeps its exemplar, and the number
        of iterations is not chosen on the test part. The "mlp" there leaves its first layer and its non-linearity out.
        The scale is a constant there too, though it was meant to be learned.

    Example:
        >>> import numpy as np
        >>> from bonefide.encoders.stgcn import STGCN
        >>> from bonefide.layouts import layout
        >>> bank = TextBank(("sit", "stand", "run"), {"definition": np.eye(3)[:, None]}, {}, "one-hot")
        >>> split = ClassSplit("mine", seen=(0, 1), unseen=(2,))
        >>> method = PGFA(STGCN(layout("ucla20"), 3, base_channels=4), 3, bank, split)
        >>> batch = Batch(torch.rand(2, 3, 16, 20, 1), torch.tensor([0, 1]), torch.tensor([0, 1]))
        >>> list(method.losses(batch)), tuple(method.outputs(batch).logits.shape)
        (['alignment'], (2, 3))
    """

    joint_decision = True
    only_training = ("log_scale",)

    def __init__(
        self,
        encoder: Encoder,
        num_classes: int,
        texts: TextBank,
        classes: ClassSplit,
        *,
        exemplars: Array | None = None,
        text: str = "definition",
        loss: Alignment = "kl",
        margin: float = 1.0,
        weight: float = 1.0,
        head: Literal["linear", "mlp"] = "linear",
        learn_scale: bool = False,
        alpha: float = 0.9,
        iterations: int = 1,
        interpolate: float = 0.0,
        streaming: int | None = None,
        anchors: Literal["text", "exemplar"] = "text",
        fallback: Literal["anchor", "text"] = "anchor",
    ) -> None:
        super().__init__()
        _check(weight, alpha, iterations, interpolate, streaming)
        self.encoder = encoder
        self.texts = ClassTexts(texts, classes, (text,))
        self.head = _Projection(encoder.out_channels, texts.width) if head == "mlp" else _linear(encoder, texts.width)
        self.log_scale = nn.Parameter(torch.tensor(math.log(_SCALE))) if learn_scale else None
        self.text, self.loss, self.margin, self.weight = text, loss, margin, weight
        self.alpha, self.iterations, self.interpolate, self.streaming = alpha, iterations, interpolate, streaming
        self.anchors, self.fallback = anchors, fallback
        if anchors == "exemplar":
            if exemplars is None or len(exemplars) != len(classes.unseen):
                raise ShapeError(
                    f"anchors: exemplar needs one clip of each of the {len(classes.unseen)} unseen classes, got "
                    f"{'none' if exemplars is None else len(exemplars)}"
                )
            # Among the texts, for they too say which classes there are.
            self.texts.register_buffer("exemplars", torch.as_tensor(exemplars, dtype=torch.float32))

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """How far skeletons are from the texts of their classes."""
        features = self._projected(batch.clip, batch.joints)
        scale = _SCALE if self.log_scale is None else self.log_scale.exp()
        # Similarities are multiplied by a large scale: half precision would tell few of them apart.
        with torch.autocast(batch.clip.device.type, enabled=False):
            text = self._class_texts()[batch.label]
            aligned = kl_alignment(
                features.to(text.dtype),
                text,
                batch.label,
                scale=scale,
                loss=self.loss,
                margin=self.margin,
                weight=self.weight,
            )
        return {"alignment": aligned}

    def outputs(self, batch: Batch) -> Outputs:
        """Cosines with what all classes are compared with, and projected features."""
        features = self._projected(batch.clip, batch.joints)
        anchors = self._anchors().to(features.dtype)
        return Outputs(logits=F.normalize(features, dim=1) @ F.normalize(anchors, dim=1).T, embedding=features)

    def decide_together(self, outputs: Outputs) -> Tensor:
        """Cosines with prototypes of the unseen classes; seen classes score lower than any cosine.

        Raises:
            ShapeError: if there are no features.
        """
        if outputs.embedding is None or outputs.logits is None:
            raise ShapeError("samples are aligned by their features, and these outputs have none")
        unseen = self.texts.unseen
        anchors = self._anchors()[unseen]
        kept = self._class_texts()[unseen] if self.fallback == "text" else anchors
        found = self._similarities(outputs.embedding, anchors, kept).to(outputs.logits)
        return torch.full_like(outputs.logits, _EXCLUDED).index_copy(1, unseen.to(found.device), found)

    def class_vectors(self) -> Tensor:
        """What features are compared with, (K, E): texts, or those of exemplars."""
        return self._anchors()

    def _similarities(self, features: Tensor, anchors: Tensor, kept: Tensor) -> Tensor:
        if self.streaming is None:
            return align(
                features,
                anchors,
                self.alpha,
                iterations=self.iterations,
                interpolate=self.interpolate,
                fallback=kept,
            ).similarities
        return align_running(
            features,
            anchors,
            self.alpha,
            batch=self.streaming,
            iterations=self.iterations,
            interpolate=self.interpolate,
            fallback=kept,
        )

    def _projected(self, clip: Tensor, joints: Tensor | None) -> Tensor:
        return self.head(self.encoder(clip, joints).pooled)

    def _class_texts(self) -> Tensor:
        """(K, E), as the text encoder gave them."""
        return self.texts.of(self.text).mean(dim=1)

    def _anchors(self) -> Tensor:
        """(K, E), what classes are compared with."""
        texts = self._class_texts()
        if self.anchors == "text":
            return texts
        features = self._projected(self.texts.of("exemplars"), None).detach()
        return texts.index_copy(0, self.texts.unseen, features.to(texts.dtype))


class _Projection(nn.Module):
    """Two layers with a GELU between them, and a third that goes past both."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, width)
        self.fc2 = nn.Linear(width, out)
        self.fc3 = nn.Linear(width, out, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(features))) + self.fc3(features)


def _linear(encoder: Encoder, width: int) -> nn.Linear:
    """Kaiming normal by fan-out, zero biases."""
    return linear_head(encoder.out_channels, width, deviation=math.sqrt(2 / width))


def _check(weight: float, alpha: float, iterations: int, interpolate: float, streaming: int | None) -> None:
    if not (0 <= alpha <= 1 and 0 <= interpolate <= 1 and weight >= 0):
        raise ShapeError(
            f"alpha and interpolate must be 0 to 1, weight at least 0, got {alpha}, {interpolate} and {weight}"
        )
    if iterations < 1 or (streaming is not None and streaming < 1):
        raise ShapeError(f"iterations and streaming must be at least 1, got {iterations} and {streaming}")
