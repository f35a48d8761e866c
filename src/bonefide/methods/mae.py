# SPDX-License-Identifier: Apache-2.0
"""MAE on skeletons: hide most tokens at random, predict their coordinates."""

from __future__ import annotations

from torch import Tensor

from bonefide.encoders._encoder import Encoder
from bonefide.losses.masked_regression import masked_regression
from bonefide.methods._masked_prediction import MaskedDecoder, Prediction, TokenMask, masked_transformer
from bonefide.methods._masking import Rounding
from bonefide.methods._method import Method
from bonefide.types import Batch, Outputs

__all__ = ["MAE"]


class MAE(Method):
    """Pre-training without labels: coordinates of hidden tokens are predicted from those of the visible ones.

    Which tokens are hidden depends on seed, epoch and sample alone, see `Draws`. It tells no classes apart: what it
    leaves is an encoder to probe or fine-tune, and what is measured of it are nearest neighbours.

    Args:
        encoder: a `MaskedTransformer`; it sees the visible tokens only.
        decoder_depth: blocks of the decoder, at least 1; published are 3 for NTU RGB+D 60, 5 elsewhere.
        decoder_width: features of a token in it, a multiple of the encoder's heads.
        mask_ratio: share of the tokens that is hidden, between 0 and 1.
        keep_rounding: of the number of visible tokens; "down" as published, where 750 tokens at 0.9 keep 74.
        normalize_target: whether each token of the target is brought to mean 0 and variance 1.
        seed: of the draws, at least 0; None takes torch's, as it was last set.

    Shape:
        batch.clip: (N, C, T, V, M).
        embedding: (N, D), pooled over all tokens.

    Raises:
        ShapeError: if the encoder hides no tokens, or an option is out of its range.

    Reference:
        Wu, Hua, Zheng, Wu, Chen, Lu. SkeletonMAE. 2022. arXiv:2209.02399; in the form maoyunyao/MAMP compares with.

    Differs from the official code:
        Draws are reproducible for every sample. See `MaskedTransformer` for the network.

    Example:
        >>> import torch
        >>> from bonefide.encoders.masked_transformer import MaskedTransformer
        >>> from bonefide.layouts import layout
        >>> encoder = MaskedTransformer(layout("ucla20"), 3, frames=16, width=16, depth=1, heads=2)
        >>> method = MAE(encoder, decoder_depth=1, decoder_width=16)
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
        keep_rounding: Rounding = "down",
        normalize_target: bool = True,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        self.encoder = masked_transformer(encoder, "MAE")
        self.decoder = MaskedDecoder(self.encoder, depth=decoder_depth, width=decoder_width)
        self.mask = TokenMask(self.encoder.tokens, ratio=mask_ratio, rounding=keep_rounding, seed=seed)
        self.normalize_target = normalize_target

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Error on the hidden tokens, under the name "masked_regression"."""
        hidden, predicted, target = self.predict(batch)
        return {"masked_regression": masked_regression(predicted, target, hidden, normalize=self.normalize_target)}

    def predict(self, batch: Batch) -> Prediction:
        """Hide tokens and predict them."""
        patches = self.encoder.patches(batch.clip)
        masking = self.mask(batch.index, patches)
        predicted = self.decoder(self.encoder.encode(patches, masking.visible), masking)
        return Prediction(masking.hidden, predicted, patches)

    def outputs(self, batch: Batch) -> Outputs:
        """Embedding, of all tokens."""
        return Outputs(embedding=self.encoder(batch.clip).pooled)

    def start_epoch(self, epoch: int) -> None:
        """Hide other tokens."""
        self.mask.draws.start_epoch(epoch)
