# SPDX-License-Identifier: Apache-2.0
"""SMIE: a network that estimates how much a skeleton and a text know about each other, learned on seen classes."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bonefide.data.class_splits import ClassSplit
from bonefide.encoders._encoder import Encoder
from bonefide.errors import ShapeError
from bonefide.losses.mutual_information import mutual_information
from bonefide.methods._class_texts import ClassTexts
from bonefide.methods._masking import Draws
from bonefide.methods._method import Method
from bonefide.methods._motion_mask import MotionMask, quiet_frames, take_frames
from bonefide.text.bank import TextBank
from bonefide.types import Batch, Outputs

__all__ = ["SMIE"]


class SMIE(Method):
    """Zero-shot recognition by a score D(v, t) of features and texts; the encoder learns nothing more.

    D is trained to tell a skeleton's own text from that of another sample, so it estimates a lower bound of their
    mutual information I. And it is to say less about a clip whose most telling frames are hidden, I_t:

        loss = -I + w max(0, m - (I - I_t))

    Hidden are the frames that move most, as many as `hidden_frames`, and of those left as many again, by chance.

    Args:
        encoder: from clips to features, trained on the seen classes; always in evaluation mode, and no gradient
            reaches it.
        num_classes: classes K.
        texts: of all classes.
        classes: which of them are seen.
        text: kind of sentences; the paper has class names, and definitions. Vectors of several sentences are averaged.
        widths: of the two hidden layers of D, at least 1.
        temporal_weight: w, at least 0; with 0 nothing is hidden, as in the paper's experiments on features of SynSE.
        margin: m, at least 0.
        hidden_frames: of a clip, at least 1; of the T frames T - 2 `hidden_frames` are shown. The paper has 15 of 50.
        mask: frames that move most are those that differ from both neighbours ("both", the paper's), from the next
            ("forward"); or all are hidden by chance ("random").
        test_layernorm: whether features are normalised at test time as in training; the official code forgets it.
        seed: of the draws, at least 0; None takes the training's.

    Shape:
        batch.clip: (N, C, T, V, M).
        logits: (N, K), scores D.
        embedding: (N, D).

    Raises:
        ShapeError: if an option is out of its range, or a clip has no frames left.
        DataError: if there are no texts of that kind.

    Reference:
        Zhou, Qiang, Rao, Lin, Su, Wang. Zero-shot Skeleton-based Action Recognition via Mutual Information Estimation
        and Maximization. ACM MM 2023. arXiv:2308.03950.

    Differs from the official code:
        Features are normalised at test time too (`test_layernorm`). A batch may have one sample. Which frames are shown
        depends on seed, epoch and the first sample of the batch, so that a training goes on as if it had not been
        interrupted. The first layer of D is applied to features and texts apart, and added; equal up to the order of
        float sums. Scores are D and not -softplus(-D), which has the same order.

    Example:
        >>> import numpy as np
        >>> from bonefide.encoders.stgcn import STGCN
        >>> from bonefide.layouts import layout
        >>> bank = TextBank(("sit", "stand", "run"), {"name": np.eye(3)[:, None]}, {}, "one-hot")
        >>> split = ClassSplit("mine", seen=(0, 1), unseen=(2,))
        >>> encoder = STGCN(layout("ucla20"), 3, base_channels=4)
        >>> method = SMIE(encoder, 3, bank, split, widths=(8, 8), hidden_frames=4)
        >>> batch = Batch(torch.rand(2, 3, 16, 20, 1), torch.tensor([0, 1]), torch.tensor([0, 1]))
        >>> list(method.losses(batch)), tuple(method.outputs(batch).logits.shape)
        (['mutual_information', 'temporal'], (2, 3))
    """

    frozen_encoder = True

    def __init__(
        self,
        encoder: Encoder,
        num_classes: int,
        texts: TextBank,
        classes: ClassSplit,
        *,
        text: str = "name",
        widths: tuple[int, int] = (1024, 512),
        temporal_weight: float = 0.5,
        margin: float = 0.1,
        hidden_frames: int = 15,
        mask: MotionMask = "both",
        test_layernorm: bool = True,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        if min(temporal_weight, margin) < 0 or min(*widths, hidden_frames) < 1:
            raise ShapeError(
                f"temporal_weight and margin must be at least 0, widths and hidden_frames at least 1; got "
                f"{temporal_weight}, {margin}, {widths} and {hidden_frames}"
            )
        self.encoder = encoder
        self.texts = ClassTexts(texts, classes, (text,))
        self.estimator = _Estimator(encoder.out_channels, texts.width, widths)
        self.draws = Draws(seed)
        self.text, self.mask, self.hidden_frames = text, mask, hidden_frames
        self.temporal_weight, self.margin, self.test_layernorm = temporal_weight, margin, test_layernorm
        self.train()

    def start_epoch(self, epoch: int) -> None:
        """Show other frames."""
        self.draws.start_epoch(epoch)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """What D does not know, and how far hidden frames are from costing it the margin."""
        visual = self._normalised(self._features(batch.clip, batch.joints))
        text = self._class_texts()[batch.label]
        shown = self.shown_frames(batch) if self.temporal_weight else None
        less = None
        if shown is not None:
            joints = None if batch.joints is None else take_frames(batch.joints, shown)
            less = self._normalised(self._features(take_frames(batch.clip, shown), joints))
        return self._terms(visual, less, text)

    def outputs(self, batch: Batch) -> Outputs:
        """Scores of all classes, and features as D sees them."""
        visual = self._features(batch.clip, batch.joints)
        if self.test_layernorm:
            visual = self._normalised(visual)
        return Outputs(logits=self.estimator.of_all(visual, self._class_texts()), embedding=visual)

    def shown_frames(self, batch: Batch) -> Tensor:
        """Which frames of each clip a masked one keeps, (N, T - 2 `hidden_frames`), ascending; drawn for all alike.

        Raises:
            ShapeError: if none is left.
        """
        frames = batch.clip.shape[2]
        shown = frames - 2 * self.hidden_frames
        if shown < 1:
            raise ShapeError(
                f"clips of {frames} frames have none left when twice hidden_frames={self.hidden_frames} are hidden"
            )
        quiet = quiet_frames(batch.clip, self.hidden_frames, mask=self.mask)
        noise = self.draws(batch.index[:1], 1, quiet.shape[1])[0]
        return quiet[:, noise.argsort(stable=True)[:shown].sort().values]

    def _terms(self, visual: Tensor, less: Tensor | None, text: Tensor) -> dict[str, Tensor]:
        """Losses of normalised features, those of masked clips and the texts of their classes."""
        others = torch.roll(visual, -1, dims=0)
        own, foreign = self.estimator(visual, text), self.estimator(others, text)
        information = mutual_information(own, foreign)
        if less is None:
            return {"mutual_information": -information}
        gained = information - mutual_information(self.estimator(less, text), foreign)
        return {
            "mutual_information": -information,
            "temporal": self.temporal_weight * torch.relu(self.margin - gained),
        }

    def _features(self, clip: Tensor, joints: Tensor | None) -> Tensor:
        with torch.no_grad():
            return self.encoder(clip, joints).pooled

    def _class_texts(self) -> Tensor:
        return F.normalize(self.texts.of(self.text).mean(dim=1), dim=1)

    @staticmethod
    def _normalised(visual: Tensor) -> Tensor:
        return F.layer_norm(visual, visual.shape[1:])


class _Estimator(nn.Module):
    """D; its first layer's weights are those of the features, then those of the text."""

    def __init__(self, visual: int, text: int, widths: tuple[int, int]) -> None:
        super().__init__()
        self.visual = visual
        self.l0 = nn.Linear(visual + text, widths[0])
        self.l1 = nn.Linear(widths[0], widths[1])
        self.l2 = nn.Linear(widths[1], 1)

    def forward(self, visual: Tensor, text: Tensor) -> Tensor:
        """Scores of pairs, (N, D) and (N, E) to (N,)."""
        return self._rest(self._of_visual(visual) + self._of_text(text))

    def of_all(self, visual: Tensor, text: Tensor) -> Tensor:
        """Scores of all pairs, (N, D) and (K, E) to (N, K)."""
        return self._rest(self._of_visual(visual).unsqueeze(1) + self._of_text(text))

    def _of_visual(self, visual: Tensor) -> Tensor:
        return F.linear(visual, self.l0.weight[:, : self.visual])

    def _of_text(self, text: Tensor) -> Tensor:
        return F.linear(text, self.l0.weight[:, self.visual :], self.l0.bias)

    def _rest(self, hidden: Tensor) -> Tensor:
        return self.l2(torch.relu(self.l1(torch.relu(hidden)))).squeeze(-1)
