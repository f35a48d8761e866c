# SPDX-License-Identifier: Apache-2.0
"""Recognition from images of descriptors: one image, or several that share a trunk and have heads of their own."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from bonefide.encoders._encoder import Encoder
from bonefide.errors import ShapeError
from bonefide.losses.soft_cross_entropy import soft_cross_entropy
from bonefide.methods._method import Method
from bonefide.types import Batch, Outputs

__all__ = ["DescriptorFusion"]

_ALL = ("gd", "fdd", "jdd", "add", "lad")
_GROUPS = (("gd", "fdd"), ("jdd", "add", "lad"))


class DescriptorFusion(Method):
    """Linear heads on the features of one to five images of a sample.

    The fused head reads the features of all images side by side; it is the classifier. With several images there are
    more heads to train by: one for each image alone, whose weights all images share, and one for each group of images.
    They stand in the outputs as branches: an image's by its name, a group's by its names joined by "+". Every head has
    the same cross-entropy; the sum of all is minimised.

    Args:
        encoder: from images to features, one image after another.
        num_classes: classes K.
        images: names of the images, in the order of the batch.
        targets: "official", 0.8 for the true class and 0.1 for each other one, which do not sum to one; or "smooth",
            label smoothing.
        smoothing: share of a smooth target that is spread evenly over all classes, from 0 to below 1.
        groups: images that have a head together; a group that lacks an image, or is all of them, has none.

    Shape:
        batch.clip: (N, I, C, H, W).
        logits: (N, K).

    Raises:
        ShapeError: if an image has two places, `smoothing` is out of its range, or features cannot be divided among
            the images.

    Reference:
        Spatio-temporal invariant descriptors for skeleton-based human action recognition. Information Sciences, 2025.

    Differs from the official code:
        Its test counts a sample as right when any of five separately trained networks is, and the fused head has no
        part in that; here the fused head decides, and the other figure is `any_right` of `evaluation/vote.py`. It
        measures in training mode, which lets test data into the statistics; here nothing does.

    Example:
        >>> from bonefide.encoders.descriptor_resnet import DescriptorResNet
        >>> images = ("gd", "fdd", "jdd")
        >>> method = DescriptorFusion(DescriptorResNet(images, base_width=2), 10, images).eval()
        >>> batch = Batch(torch.zeros(2, 3, 3, 32, 32), torch.tensor([0, 9]), torch.tensor([0, 1]))
        >>> list(method.losses(batch))
        ['fused', 'gd', 'fdd', 'jdd', 'gd+fdd']
        >>> tuple(method.outputs(batch).logits.shape)
        (2, 10)
    """

    def __init__(
        self,
        encoder: Encoder,
        num_classes: int,
        images: tuple[str, ...] = _ALL,
        *,
        targets: Literal["official", "smooth"] = "official",
        smoothing: float = 0.1,
        groups: tuple[tuple[str, ...], ...] = _GROUPS,
    ) -> None:
        super().__init__()
        if not images or len(set(images)) < len(images) or encoder.out_channels % len(images):
            raise ShapeError(
                f"{encoder.out_channels} features cannot be divided among the images {', '.join(images) or '(none)'}; "
                "give the encoder and the method the same images, each once"
            )
        if not 0 <= smoothing < 1:
            raise ShapeError(f"smoothing must be from 0 to below 1, got {smoothing}")
        self.encoder, self.images = encoder, images
        self.right, self.wrong = (0.8, 0.1) if targets == "official" else _smooth(smoothing, num_classes)
        width = encoder.out_channels // len(images)
        self.fused = nn.Linear(encoder.out_channels, num_classes, bias=False)
        self.groups = tuple(each for each in groups if 1 < len(each) < len(images) and set(each) <= set(images))
        if len(images) > 1:
            self.alone = nn.Linear(width, num_classes, bias=False)
        self.together = nn.ModuleList(nn.Linear(len(each) * width, num_classes, bias=False) for each in self.groups)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """A cross-entropy for each head, under its name."""
        return {
            name: soft_cross_entropy(logits, batch.label, right=self.right, wrong=self.wrong)
            for name, logits in self._heads(batch).items()
        }

    def outputs(self, batch: Batch) -> Outputs:
        """Logits of the fused head; those of the others as branches."""
        heads = self._heads(batch)
        return Outputs(logits=heads.pop("fused"), branches=heads or None)

    def _heads(self, batch: Batch) -> dict[str, Tensor]:
        pooled = self.encoder(batch.clip).pooled
        heads = {"fused": self.fused(pooled)}
        if len(self.images) == 1:
            return heads
        of = dict(zip(self.images, pooled.chunk(len(self.images), dim=1), strict=True))
        heads |= {name: self.alone(features) for name, features in of.items()}
        for names, head in zip(self.groups, self.together, strict=True):
            heads["+".join(names)] = head(torch.cat([of[name] for name in names], dim=1))
        return heads


def _smooth(share: float, classes: int) -> tuple[float, float]:
    return 1 - share + share / classes, share / classes
