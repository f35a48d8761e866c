# SPDX-License-Identifier: Apache-2.0
"""MAMP: hide most tokens, moving ones rather than still ones, predict their motion."""

from __future__ import annotations

from torch import Tensor

from bonefide.encoders._encoder import Encoder
from bonefide.errors import ShapeError
from bonefide.losses.masked_regression import masked_regression
from bonefide.methods._masked_prediction import MaskedDecoder, Prediction, TokenMask, masked_transformer, motion
from bonefide.methods._masking import Rounding, motion_score
from bonefide.methods._method import Method
from bonefide.types import Batch, Outputs

__all__ = ["MAMP"]


class MAMP(Method):
    """Pre-training without labels: motions of hidden tokens are predicted from coordinates of the visible ones.

    Tokens that move more are hidden more often, a little: with scores s from 0 to 1 / temperature, the most mobile one
    of a sequence is exp(1 / temperature) times as likely drawn as a still one,

        P = softmax(s),  s = S / (max S * temperature + 1e-10),  S_t = mean |x_t - x_t-1|

    and the hidden ones are drawn without putting back. Which they are depends on seed, epoch and sample alone, see
    `Draws`. It tells no classes apart: what it leaves is an encoder to probe or fine-tune, and what is measured of it
    are nearest neighbours.

    Args:
        encoder: a `MaskedTransformer`; it sees the visible tokens only.
        decoder_depth: blocks of the decoder, at least 1; published are 3 for NTU RGB+D 60, 5 elsewhere.
        decoder_width: features of a token in it, a multiple of the encoder's heads.
        mask_ratio: share of the tokens that is hidden, between 0 and 1.
        temperature: of the motion's influence on what is hidden; 0 or below hides all alike. Published are 0.8, and
            0.75 for NTU RGB+D 120.
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
        Mao, Deng, Zhou, Fang, Ouyang, Li. Masked Motion Predictors are Strong 3D Action Representation Learners. ICCV
        2023. arXiv:2308.07092.

    Differs from the official code:
        Draws are reproducible for every sample. See `MaskedTransformer` for the network.

    Example:
        >>> import torch
        >>> from bonefide.encoders.masked_transformer import MaskedTransformer
        >>> from bonefide.layouts import layout
        >>> encoder = MaskedTransformer(layout("ucla20"), 3, frames=16, width=16, depth=1, heads=2)
        >>> method = MAMP(encoder, decoder_depth=1, decoder_width=16)
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
        motion_stride: int = 1,
        keep_rounding: Rounding = "down",
        normalize_target: bool = True,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        self.encoder = masked_transformer(encoder, "MAMP")
        if not 1 <= motion_stride < self.encoder.frames:
            raise ShapeError(f"motion_stride must be from 1 to below {self.encoder.frames} frames, got {motion_stride}")
        self.decoder = MaskedDecoder(self.encoder, depth=decoder_depth, width=decoder_width)
        self.mask = TokenMask(
            self.encoder.tokens, ratio=mask_ratio, rounding=keep_rounding, temperature=temperature, seed=seed
        )
        self.motion_stride, self.normalize_target = motion_stride, normalize_target

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Error on the hidden tokens' motion, under the name "masked_regression"."""
        hidden, predicted, target = self.predict(batch)
        return {"masked_regression": masked_regression(predicted, target, hidden, normalize=self.normalize_target)}

    def predict(self, batch: Batch) -> Prediction:
        """Hide tokens and predict them."""
        patches = self.encoder.patches(batch.clip)
        score = motion_score(patches.unflatten(1, self.encoder.grid[:2]))
        masking = self.mask(batch.index, patches, score)
        predicted = self.decoder(self.encoder.encode(patches, masking.visible), masking)
        return Prediction(masking.hidden, predicted, self.encoder.patches(motion(batch.clip, self.motion_stride)))

    def outputs(self, batch: Batch) -> Outputs:
        """Embedding, of all tokens."""
        return Outputs(embedding=self.encoder(batch.clip).pooled)

    def start_epoch(self, epoch: int) -> None:
        """Hide other tokens."""
        self.mask.draws.start_epoch(epoch)
