# SPDX-License-Identifier: Apache-2.0
"""STJD-MP: as MAMP, but those tokens are hidden rather whose surroundings change: the prime joints."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from bonefide.encoders._encoder import Encoder
from bonefide.errors import ShapeError
from bonefide.layers.joint_density import JointDensity
from bonefide.losses.masked_regression import masked_regression
from bonefide.methods._masked_prediction import MaskedDecoder, Prediction, TokenMask, masked_transformer, motion
from bonefide.methods._masking import Rounding
from bonefide.methods._method import Method
from bonefide.types import Batch, Outputs

__all__ = ["STJDMP"]


class STJDMP(Method):
    """Pre-training without labels: motions of hidden tokens are predicted from coordinates of the visible ones.

    How likely a token is hidden depends on how the density of joints around it changes, see `JointDensity`; with S that
    change, all else is as in MAMP:

        P = softmax(s),  s = S / (max S * temperature + 1e-10)

    Which joints are prime is nowhere decided, and nothing of the density is trained: it only tilts the draws, so it
    stays as it was drawn. The published runs go on from a finished MAMP training of the same data. It tells no classes
    apart: what it leaves is an encoder to probe or fine-tune, and what is measured of it are nearest neighbours.

    Args:
        encoder: a `MaskedTransformer`; it sees the visible tokens only.
        decoder_depth: blocks of the decoder, at least 1.
        decoder_width: features of a token in it, a multiple of the encoder's heads.
        mask_ratio: share of the tokens that is hidden, between 0 and 1.
        temperature: of the density's influence on what is hidden; 0 or below hides all alike. Published are 0.8, and
            0.75 for NTU RGB+D 120.
        variant: definition of the density, "code" as published code has it, "paper" as far as the paper is known.
        density_channels: projected features the density is taken of, at least 1.
        first_segment: the density of the first time has not changed, so with "zero", as published, its tokens are
            hidden least; "copy" gives it the scores of the second, as MAMP does.
        motion_stride: frames between the two ends of a motion, at least 1 and below T.
        keep_rounding: of the number of visible tokens; "down" as published, where 750 tokens at 0.9 keep 74.
        normalize_target: whether each token of the target is brought to mean 0 and variance 1.
        seed: of the draws, at least 0; None takes torch's, as it was last set.

    Shape:
        batch.clip: (N, C, T, V, M).
        embedding: (N, D), pooled over all tokens.

    Raises:
        ShapeError: if the encoder hides no tokens, or an option is out of its range.

    Reference:
        Gunasekara, Li, Ogunbona, Yang. Spatio-Temporal Joint Density Driven Learning for Skeleton-Based Action
        Recognition. IEEE TBIOM 2025. arXiv:2505.23012.

    Differs from the official code:
        Draws are reproducible for every sample. The density knows no gradients and no optimiser, there it is given to
        one that passes it over; sizes follow from the encoder. See `MaskedTransformer` for the network.

    Example:
        >>> from bonefide.encoders.masked_transformer import MaskedTransformer
        >>> from bonefide.layouts import layout
        >>> encoder = MaskedTransformer(layout("ucla20"), 3, frames=16, width=16, depth=1, heads=2)
        >>> method = STJDMP(encoder, decoder_depth=1, decoder_width=16)
        >>> batch = Batch(torch.zeros(2, 3, 16, 20, 1), torch.tensor([0, 9]), torch.tensor([0, 1]))
        >>> list(method.losses(batch)), tuple(method.outputs(batch).embedding.shape)
        (['masked_regression'], (2, 16))
    """

    judged_by_neighbors = True

    def __init__(
        self,
        encoder: Encoder,
        *,
        decoder_depth: int = 5,
        decoder_width: int = 256,
        mask_ratio: float = 0.9,
        temperature: float = 0.8,
        variant: Literal["code", "paper"] = "code",
        density_channels: int = 16,
        first_segment: Literal["zero", "copy"] = "zero",
        motion_stride: int = 1,
        keep_rounding: Rounding = "down",
        normalize_target: bool = True,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        self.encoder = masked_transformer(encoder, "STJD-MP")
        if not 1 <= motion_stride < self.encoder.frames:
            raise ShapeError(f"motion_stride must be from 1 to below {self.encoder.frames} frames, got {motion_stride}")
        self.density = JointDensity(
            self.encoder.patch_size,
            self.encoder.grid.joints,
            channels=density_channels,
            variant=variant,
            learned=False,
        )
        self.decoder = MaskedDecoder(self.encoder, depth=decoder_depth, width=decoder_width)
        self.mask = TokenMask(
            self.encoder.tokens, ratio=mask_ratio, rounding=keep_rounding, temperature=temperature, seed=seed
        )
        self.first_segment = first_segment
        self.motion_stride, self.normalize_target = motion_stride, normalize_target

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Error on the hidden tokens' motion, under the name "masked_regression"."""
        hidden, predicted, target = self.predict(batch)
        return {"masked_regression": masked_regression(predicted, target, hidden, normalize=self.normalize_target)}

    def predict(self, batch: Batch) -> Prediction:
        """Hide tokens and predict them."""
        patches = self.encoder.patches(batch.clip)
        masking = self.mask(batch.index, patches, self.scores(patches))
        predicted = self.decoder(self.encoder.encode(patches, masking.visible), masking)
        return Prediction(masking.hidden, predicted, self.encoder.patches(motion(batch.clip, self.motion_stride)))

    @torch.no_grad()
    def scores(self, patches: Tensor) -> Tensor:
        """How the density changes.

        Shape:
            patches: (N * M, L, P), from the encoder.
            returned: (N * M, T', V').
        """
        change = self.density(patches.unflatten(1, self.encoder.grid[:2]))
        if self.first_segment == "copy":
            return torch.cat([change[:, 1:2], change[:, 1:]], dim=1)
        return change

    def outputs(self, batch: Batch) -> Outputs:
        """Embedding, of all tokens."""
        return Outputs(embedding=self.encoder(batch.clip).pooled)

    def start_epoch(self, epoch: int) -> None:
        """Hide other tokens."""
        self.mask.draws.start_epoch(epoch)
