# SPDX-License-Identifier: Apache-2.0
"""What a pre-training sees of clips, to be drawn: prime joints, hidden tokens and what is predicted, attention."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from bonefide.encoders.masked_transformer import MaskedTransformer
from bonefide.errors import DataError
from bonefide.methods._masking import Draws
from bonefide.methods._method import Method
from bonefide.methods.mae import MAE
from bonefide.methods.mamp import MAMP
from bonefide.methods.stjd_cl import STJDCL
from bonefide.methods.stjd_mp import STJDMP
from bonefide.types import Array, Batch

__all__ = ["Hidden", "Picture", "attention", "hidden_tokens", "pictures_of", "prime_joints"]

Picture = Literal["prime", "hidden", "attention"]
"""What can be drawn."""

_EPSILON = 1e-6


@dataclass(frozen=True, eq=False)
class Hidden:
    """One clip.

    Args:
        hidden: which joints are hidden at which times.
        guess: where the network takes them to be.

    Shape:
        hidden: (M, T', V) bool.
        guess: (M, T, V, C).
    """

    hidden: Array
    guess: Array


def pictures_of(method: Method) -> tuple[Picture, ...]:
    """What can be drawn of a method."""
    encoder = getattr(method, "encoder", None)
    can: dict[Picture, bool] = {
        "prime": isinstance(method, STJDMP | STJDCL),
        "hidden": isinstance(method, MAE | MAMP | STJDMP),
        "attention": isinstance(encoder, MaskedTransformer),
    }
    return tuple(picture for picture, possible in can.items() if possible)


def attention(method: Method, batch: Batch) -> Array:
    """How much the features of the first clip of a batch owe to each joint, as multiples of an even share.

    Nothing is hidden, as in recognition.

    Args:
        method: any whose encoder is a `MaskedTransformer`: a pre-training, or what follows it.
        batch: on its device.

    Shape:
        returned: (M, T', V), with mean 1 for each person.

    Raises:
        DataError: if the encoder is another.
    """
    encoder = getattr(method, "encoder", None)
    if not isinstance(encoder, MaskedTransformer):
        name = type(method if encoder is None else encoder).__name__
        raise DataError(f"{name} has no attention to draw; give weights whose encoder is masked_transformer")
    with torch.inference_mode():
        share = encoder.attention(batch.clip[:1])[0] * encoder.tokens
    return share.repeat_interleave(encoder.grid.members, dim=2).cpu().numpy()


def prime_joints(method: Method, batch: Batch) -> Array:
    """How prime the joints of the first clip of a batch are, as shares of the largest change of density.

    Args:
        method: STJD-MP or STJD-CL.
        batch: on its device.

    Shape:
        returned: (M, T', V), 0 to 1.

    Raises:
        DataError: if the method knows no density.
    """
    with torch.inference_mode():
        if isinstance(method, STJDMP):
            change = method.scores(method.encoder.patches(batch.clip[:1]))
            scores = change / change.amax(dim=(1, 2), keepdim=True).clamp(min=1e-30)
            members = method.encoder.grid.members
            return scores.repeat_interleave(members, dim=2).cpu().numpy()
        if isinstance(method, STJDCL):
            return method.prime_scores(method.encoder(batch.clip[:1]).map[0]).cpu().numpy()
    raise DataError(f"{type(method).__name__} knows no density of joints; give weights of STJD-MP or STJD-CL")


def hidden_tokens(method: Method, batch: Batch, *, seed: int = 0) -> Hidden:
    """What is hidden of the first clip of a batch, and where the network takes it to be.

    Predictions that are normalised token by token get the mean and the deviation of the token back, which the network
    is not asked for; predicted motions are added up from where the joint is when a token begins.

    Args:
        method: MAE, MAMP or STJD-MP.
        batch: on its device.
        seed: of what is hidden, whatever that of the method is.

    Raises:
        DataError: if the method hides nothing.
    """
    if not isinstance(method, MAE | MAMP | STJDMP):
        raise DataError(f"{type(method).__name__} hides nothing; give weights of MAE, MAMP or STJD-MP")
    encoder = method.encoder
    with torch.inference_mode():
        only = batch._replace(clip=batch.clip[:1], index=batch.index[:1])
        with _drawn_anew(method.mask.draws, seed):
            hidden, predicted, target = method.predict(only)
        if method.normalize_target:
            deviation = (target.var(dim=-1, keepdim=True) + _EPSILON).sqrt()
            predicted = predicted * deviation + target.mean(dim=-1, keepdim=True)
        times, joints, frames, members = encoder.grid
        moves = _by_frame(predicted, times, joints, frames, members)
        if not isinstance(method, MAE):
            start = _by_frame(encoder.patches(only.clip), times, joints, frames, members)[:, :, :1]
            steps = moves[:, :, :-1].cumsum(dim=2) / method.motion_stride
            moves = torch.cat([start, start + steps], dim=2)
    shown = hidden.view(-1, times, joints).repeat_interleave(members, dim=2)
    return Hidden(shown.cpu().numpy(), moves.flatten(1, 2).cpu().numpy())


@contextmanager
def _drawn_anew(draws: Draws, seed: int) -> Iterator[None]:
    kept, draws.seed = draws.seed, seed
    try:
        yield
    finally:
        draws.seed = kept


def _by_frame(tokens: Tensor, times: int, joints: int, frames: int, members: int) -> Tensor:
    """(M, L, P) to (M, T', frames, V, C)."""
    parts = tokens.unflatten(2, (frames, members, -1)).unflatten(1, (times, joints))
    return parts.transpose(2, 3).flatten(3, 4)
