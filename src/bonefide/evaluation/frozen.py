# SPDX-License-Identifier: Apache-2.0
"""What a network that learns no more makes of clips: its pooled features."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from bonefide.errors import ShapeError
from bonefide.types import Array, Batch

__all__ = ["measure_statistics", "pooled_features"]


def pooled_features(encoder: nn.Module, batches: Iterable[Batch]) -> Array:
    """Pooled features of all samples, the encoder in evaluation mode.

    Args:
        encoder: on its device; it is left in the mode it was in.
        batches: clips on the same device.

    Shape:
        returned: (n, D) float32, in the order of the clips.

    Raises:
        ShapeError: if there is no batch, or features are not finite.

    Example:
        >>> from bonefide.encoders.ctrgcn import CTRGCN
        >>> from bonefide.layouts import layout
        >>> encoder = CTRGCN(layout("ucla20"), 3, persons=1, base_channels=8)
        >>> nothing = torch.zeros(2, dtype=torch.int64)
        >>> pooled_features(encoder, [Batch(torch.zeros(2, 3, 16, 20, 1), nothing, nothing)]).shape
        (2, 32)
    """
    trained = encoder.training
    encoder.eval()
    try:
        with torch.inference_mode():
            found = [encoder(batch.clip, batch.joints).pooled.float().cpu() for batch in batches]
    finally:
        encoder.train(trained)
    if not found:
        raise ShapeError("features of no clips; give at least one batch")
    features = torch.cat(found)
    if not features.isfinite().all():
        raise ShapeError("the features are not finite; has the network's training diverged?")
    return features.numpy()


def measure_statistics(encoder: nn.Module, batches: Iterable[Batch]) -> None:
    """Give all batch norms of an encoder the mean and variance of these clips, in one pass.

    Each batch is normalised by its own statistics on its way, as in training; means and second moments are averaged
    over the batches, weighted by their clips. No label is looked at and nothing else changes. A fresh network needs it
    to be compared with a trained one: its norms start with mean 0 and variance 1, which is true of no clip.

    Args:
        encoder: changed in place; left in evaluation mode.
        batches: clips, on the encoder's device, of which none may be of a single number a channel.

    Raises:
        ShapeError: if there is no batch.
    """
    norms = [_Moments(norm) for norm in encoder.modules() if isinstance(norm, _BatchNorm) and norm.track_running_stats]
    encoder.train()
    for module in encoder.modules():
        # What learns nothing but acts differently in training is dropout, which belongs to no statistics.
        if not any(True for _ in module.parameters()):
            module.eval()
    with torch.no_grad():
        for batch in batches:
            for norm in norms:
                norm.clear()
            encoder(batch.clip, batch.joints)
            for norm in norms:
                norm.add(len(batch.clip))
    encoder.eval()
    if not norms:
        return
    if not norms[0].clips:
        raise ShapeError("statistics of no clips; give at least one batch")
    for norm in norms:
        norm.write()


class _Moments:
    """Sums over batches of what one norm saw."""

    def __init__(self, norm: _BatchNorm) -> None:
        self.norm = norm
        self.clips = 0
        self.mean: Tensor | float = 0.0
        self.square: Tensor | float = 0.0

    def clear(self) -> None:
        """Zeros, so that what the norm adds of a batch is its momentum times the batch's statistics."""
        for buffer in (self._running_mean, self._running_var, self.norm.num_batches_tracked):
            if buffer is not None:
                buffer.zero_()

    def add(self, clips: int) -> None:
        # Without a momentum it is the mean of all batches, which is that of this one.
        share = 1.0 if self.norm.momentum is None else self.norm.momentum
        mean, variance = self._running_mean.double() / share, self._running_var.double() / share
        self.clips += clips
        self.mean = self.mean + clips * mean
        self.square = self.square + clips * (variance + mean**2)

    def write(self) -> None:
        mean = torch.as_tensor(self.mean / self.clips)
        self._running_mean.copy_(mean)
        self._running_var.copy_(torch.as_tensor(self.square / self.clips) - mean**2)

    @property
    def _running_mean(self) -> Tensor:
        return self.norm.get_buffer("running_mean")

    @property
    def _running_var(self) -> Tensor:
        return self.norm.get_buffer("running_var")
