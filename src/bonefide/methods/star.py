# SPDX-License-Identifier: Apache-2.0
"""STAR: six parts of the body are told apart by learned prompts, and compared with texts about them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bonefide.data.class_splits import ClassSplit
from bonefide.encoders._encoder import Encoder
from bonefide.errors import DataError, ShapeError
from bonefide.layouts import SkeletonLayout
from bonefide.methods._class_texts import ClassTexts
from bonefide.methods._method import Method
from bonefide.methods._part_attention import PartAttention
from bonefide.methods._six_parts import six_parts
from bonefide.text.bank import TextBank
from bonefide.text.descriptions import PARTS
from bonefide.types import Batch, Outputs

__all__ = ["STAR"]

_PARTS = "body_parts"


class STAR(Method):
    """Zero-shot recognition by head, hands, arms, hips, legs and feet, on an encoder that learns nothing more.

    Of every part i, learned visual prompts V_i ask its joints, in all frames, for attributes; the answers E_i make a
    vector r_i, and the sum of all r_i is r. The name of class c, or another text about it, becomes u_c by a network of
    two layers, the text about part i plus the learned semantic prompt of the class becomes w_ic by another for each
    part.

        r_i[a] = V_i[a] W_i E_i[a],   r = r_1 + ... + r_6
        whole: cross-entropy over seen classes of cos(r, u_c)
        parts: mean over parts of the same of cos(r_i, w_ic)
        agreement: mean over parts and classes c of -log softmax_k(w_ic . u_k) at k = c

    The score of a class is cos(r, u_c); texts about parts only train.

    Args:
        encoder: from clips to features, whose map is used; always in evaluation mode, and no gradient reaches it.
        num_classes: classes K, seen or not.
        texts: of all classes, `kind` and `body_parts`; `kind` alone is enough to recognise.
        classes: which are seen.
        layout: of the joints.
        frames: clip length T.
        attributes: visual prompts of a part, and width of what is compared with texts, at least 1.
        width: of a visual prompt, a multiple of `heads`.
        heads: of the attention, at least 1.
        hidden: width of the hidden layers behind texts, at least 1.
        loss_weights: factors of whole, parts and agreement, at least 0.
        unseen_texts: whether agreement is asked of the texts of unseen classes too, as published. No skeleton of them
            is used, but a recogniser trained so has met these texts, and not others it is given later.
        kind: of the sentences that stand for a whole class; the paper has its name.

    Shape:
        batch.clip: (N, C, T, V, M).
        logits: (N, K), cosines.
        embedding: (N, A), A attributes.

    Raises:
        ShapeError: if the layout or the clip length is not given, a joint is no place of the encoder's map, a part has
            no joints, `num_classes` are not those of the texts, or an option is out of its range.
        DataError: if texts are missing, or are not about six parts.

    Reference:
        Chen, Guo, He, Lu, Wang. Fine-Grained Side Information Guided Dual-Prompts for Zero-Shot Skeleton Action
        Recognition. ACM Multimedia 2024. arXiv:2404.07487.

    Differs from the official code:
        Persons are averaged; there a reshape mixes up persons, channels and frames. Any skeleton, text encoder and
        class split; there 25 joints, texts of width 768 and fixed lists of classes. The last layer behind the attention
        is applied to the prompts instead of the answers, which is the same. Agreement is asked of the classes of the
        split, so that those outside a rehearsal stay outside. The description we had leaves open, and we chose: every
        part has an attention of its own, as it has prompts, W and text networks; prompts and W start from Xavier's
        uniform distribution, semantic prompts from zero, everything else as torch's layers do.

    Example:
        >>> import numpy as np
        >>> from bonefide.encoders.ctrgcn import CTRGCN
        >>> from bonefide.layouts import layout
        >>> rows = np.eye(3, 8, dtype=np.float32)[:, None]
        >>> kinds = {"name": rows, "body_parts": rows.repeat(6, axis=1)}
        >>> texts = TextBank(("sit", "stand", "walk"), kinds, {}, "made up")
        >>> method = STAR(
        ...     CTRGCN(layout("ucla20"), 3, persons=1, base_channels=8), 3, texts, ClassSplit("mine", (0, 2), (1,)),
        ...     layout=layout("ucla20"), frames=16, attributes=5, width=8, hidden=8,
        ... )
        >>> batch = Batch(torch.rand(2, 3, 16, 20, 1), torch.tensor([0, 2]), torch.tensor([0, 1]))
        >>> list(method.losses(batch)), tuple(method.outputs(batch).logits.shape)
        (['whole', 'parts', 'agreement'], (2, 3))
    """

    frozen_encoder = True
    only_training = ("semantic_prompts", "part_texts.", f"texts.{_PARTS}")

    agreeing: Tensor

    def __init__(
        self,
        encoder: Encoder,
        num_classes: int,
        texts: TextBank,
        classes: ClassSplit,
        *,
        layout: SkeletonLayout,
        frames: int,
        attributes: int = 100,
        width: int = 768,
        heads: int = 4,
        hidden: int = 256,
        loss_weights: tuple[float, float, float] = (0.1, 1.0, 0.1),
        unseen_texts: bool = True,
        kind: str = "name",
    ) -> None:
        super().__init__()
        groups, channels = _checked_parts(encoder, layout, frames)
        _check_options(attributes, width, heads, hidden, loss_weights)
        kinds = _checked_kinds(texts, num_classes, kind)
        self.encoder = encoder
        self.loss_weights, self.kind = loss_weights, kind
        self.texts = ClassTexts(texts, classes, kinds)
        self.parts = nn.ModuleList(
            PartAttention(joints, channels, attributes=attributes, width=width, heads=heads) for joints in groups
        )
        self.label_text = _text_network(texts.width, hidden, attributes)
        self.part_texts = nn.ModuleList(_text_network(texts.width, hidden, attributes) for _ in PARTS)
        self.semantic_prompts = nn.Parameter(torch.zeros(num_classes, texts.width))
        agreeing = sorted((*classes.seen, *(classes.unseen if unseen_texts else ())))
        self.register_buffer("agreeing", torch.tensor(agreeing), persistent=False)
        self.train()

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropies of the whole body, of its parts, and of texts about parts against names; weighted.

        Raises:
            DataError: if there are no texts about parts.
        """
        by_part, labels, parts = self._by_part(batch), self._labels(), self._parts()
        seen, target = self.texts.seen, self.texts.places[batch.label]
        whole = F.cross_entropy(_cosines(by_part.sum(dim=0), labels[seen]), target)
        # (6, N, S), the classes before the samples are counted
        of_parts = F.cross_entropy(_cosines(by_part, parts[:, seen]).flatten(0, 1), target.repeat(len(PARTS)))
        agreement = (parts[:, self.agreeing] @ labels[self.agreeing].mT).log_softmax(dim=2).diagonal(dim1=1, dim2=2)
        found = {"whole": whole, "parts": of_parts, "agreement": -agreement.mean()}
        return {name: weight * found[name] for name, weight in zip(found, self.loss_weights, strict=True)}

    def outputs(self, batch: Batch) -> Outputs:
        """Cosines with the names of all classes, and the vector that is compared with them."""
        whole = self._by_part(batch).sum(dim=0)
        return Outputs(logits=_cosines(whole, self._labels()), embedding=whole)

    def class_vectors(self) -> Tensor:
        """Names of all classes as embeddings are compared with them."""
        return self._labels()

    def _by_part(self, batch: Batch) -> Tensor:
        """What every part shows, (6, N, A)."""
        with torch.no_grad():
            features = self.encoder(batch.clip, batch.joints).map.mean(dim=1)
        return torch.stack([part(features) for part in self.parts])

    def _labels(self) -> Tensor:
        """Whole texts of all classes, (K, A)."""
        found: Tensor = self.label_text(self.texts.of(self.kind)[:, 0])
        return found

    def _parts(self) -> Tensor:
        """Texts about parts of all classes, (6, K, A)."""
        if not hasattr(self.texts, _PARTS):
            raise DataError(f"STAR trains with texts '{_PARTS}', and these have none; give data.texts that do")
        described = self.texts.of(_PARTS) + self.semantic_prompts.unsqueeze(1)
        return torch.stack([network(described[:, part]) for part, network in enumerate(self.part_texts)])


def _cosines(vectors: Tensor, anchors: Tensor) -> Tensor:
    return F.normalize(vectors, dim=-1) @ F.normalize(anchors, dim=-1).mT


def _text_network(width: int, hidden: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, out))


def _checked_parts(
    encoder: Encoder, layout: SkeletonLayout | None, frames: int | None
) -> tuple[tuple[tuple[int, ...], ...], int]:
    """Joints of the parts, and channels of the encoder's map."""
    if layout is None or frames is None:
        raise ShapeError("STAR needs layout, of the joints, and frames, the clip length")
    channels, _, places = encoder.map_size(frames)
    if encoder.map_axis != "joint" or places != len(layout.joints):
        raise ShapeError(
            f"STAR needs an encoder that keeps the {len(layout.joints)} joints of {layout.name} apart; the map of "
            f"{type(encoder).__name__} has {places} places along its '{encoder.map_axis}' axis"
        )
    return six_parts(layout), channels


def _check_options(attributes: int, width: int, heads: int, hidden: int, weights: tuple[float, float, float]) -> None:
    if min(attributes, width, heads, hidden) < 1 or width % heads:
        raise ShapeError(
            "attributes, width, heads and hidden must be at least 1, and width a multiple of heads; got "
            f"{attributes}, {width}, {heads} and {hidden}"
        )
    if min(weights) < 0:
        raise ShapeError(f"loss_weights must be at least 0, got {weights}")


def _checked_kinds(texts: TextBank, num_classes: int, kind: str) -> tuple[str, ...]:
    """Kinds of sentences to keep: those about parts only if there are any."""
    if num_classes != len(texts.classes):
        raise ShapeError(f"there are {num_classes} classes, but texts of {len(texts.classes)}")
    if _PARTS not in texts.kinds:
        return (kind,)
    if (count := texts.of(_PARTS).shape[1]) != len(PARTS):
        raise DataError(f"texts '{_PARTS}' must be about {', '.join(PARTS)}, got {count} for each class")
    return kind, _PARTS
