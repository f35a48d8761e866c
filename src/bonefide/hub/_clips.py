# SPDX-License-Identifier: Apache-2.0
"""Clips of single sequences, and batches of those that are equally long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch

from bonefide.types import Array, Batch

__all__ = ["Clip", "batch_of", "first_frames", "together"]


class Clip(NamedTuple):
    """A clip as a network takes it, or images; and its joints, if it has some."""

    stream: Array
    joints: Array | None


def first_frames(clip: Clip, frames: int | None) -> Clip:
    """So many first frames; images have none."""
    return clip if frames is None or clip.joints is None else Clip(clip.stream[:, :frames], clip.joints[:, :frames])


def together(clips: Iterable[Clip], batch_size: int) -> Iterator[list[Clip]]:
    """Neighbouring clips of equal length."""
    held: list[Clip] = []
    for clip in clips:
        if held and (len(held) == batch_size or clip.stream.shape != held[0].stream.shape):
            yield held
            held = []
        held.append(clip)
    if held:
        yield held


def batch_of(clips: Sequence[Clip], device: torch.device) -> Batch:
    """Equally long clips as a batch, without labels."""
    clip = torch.from_numpy(np.stack([each.stream for each in clips])).to(device)
    nothing = torch.zeros(len(clips), dtype=torch.int64, device=device)
    known = [each.joints for each in clips if each.joints is not None]
    joints = torch.from_numpy(np.stack(known)).to(device) if known else None
    # Few are recognised at once, so the joints are there whether the encoder asks for them or not.
    return Batch(clip, nothing, nothing, joints)
