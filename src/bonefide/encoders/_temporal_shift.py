# SPDX-License-Identifier: Apache-2.0
"""The temporal shift of Shift-GCN: every channel looks a learned, fractional number of frames ahead or back."""

from __future__ import annotations

from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bonefide.errors import ShapeError, UnknownNameError

__all__ = ["ShiftGradient", "TemporalShift", "shift_frames"]

ShiftGradient = Literal["sign", "true"]

_STEP = 0.01
_DRIFT = 0.0001


class TemporalShift(nn.Module):
    """Shift each channel by its own number of frames, a parameter, with zeros outside.

        out[t] = (1 - d) x[s t + i] + d x[s t + i + 1],   i = floor(y), d = y - i

    where s is the stride and y the channel's position, half a frame later if s is 2.

    Args:
        channels: channels C.
        stride: 1, or 2 to halve the time.
        gradient: what the positions get, see `shift_frames`.
        replicas: see `shift_frames`.

    Shape:
        x: (N, T, V, C), channels last.
        returned: (N, floor(T / stride), V, C).

    Raises:
        ShapeError: if `stride` is neither 1 nor 2, or `replicas` below 1.
        UnknownNameError: if there is no such `gradient`.
    """

    def __init__(self, channels: int, *, stride: int = 1, gradient: ShiftGradient = "sign", replicas: int = 1) -> None:
        super().__init__()
        if stride not in (1, 2) or replicas < 1:
            raise ShapeError(f"stride must be 1 or 2 and replicas at least 1, got {stride} and {replicas}")
        if gradient not in get_args(ShiftGradient):
            raise UnknownNameError("gradients of shifts", gradient, get_args(ShiftGradient))
        self.stride, self.gradient, self.replicas = stride, gradient, replicas
        self.position = nn.Parameter(torch.empty(channels).uniform_(-1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Shift all channels."""
        position = self.position if self.stride == 1 else self.position + 0.5
        return shift_frames(x, position, stride=self.stride, gradient=self.gradient, replicas=self.replicas)


def shift_frames(
    x: Tensor, position: Tensor, *, stride: int = 1, gradient: ShiftGradient = "sign", replicas: int = 1
) -> Tensor:
    """Shift channels by positions.

    Args:
        x: clips, channels last.
        position: frames each channel looks ahead; float32 or better, however coarse `x` is.
        stride: 1 or 2.
        gradient: "true" hands the derivative to the positions. "sign", as published, only its sign times 0.01, and
            0.0001 where it is zero; its size does not depend on the loss, so a scaler of the loss would ruin it.
        replicas: into how many parts the batch is cut, whose signs are added; the published training on NTU RGB+D ran
            on 4 devices, each with its own sign.

    Shape:
        x: (N, T, V, C).
        position: (C,).
        returned: (N, floor(T / stride), V, C).
    """
    if torch.is_grad_enabled() and not torch.compiler.is_exporting():
        shifted: Tensor = _Shift.apply(x, position, stride, replicas if gradient == "sign" else 0)  # type: ignore[no-untyped-call]
        return shifted
    before, after = _taps(x, position, stride)
    return torch.lerp(before, after, _share(position, x.dtype))


class _Shift(torch.autograd.Function):
    """Its backward pass only gathers, where that of indexing would add up in any order."""

    @staticmethod
    def forward(context: Any, x: Tensor, position: Tensor, stride: int, replicas: int) -> Tensor:
        # No replicas: the derivative itself.
        context.frames, context.stride, context.replicas = x.shape[1], stride, replicas
        before, after = _taps(x, position, stride)
        taps = (before, after) if position.requires_grad else ()
        context.save_for_backward(position, *taps)
        return torch.lerp(before, after, _share(position, x.dtype))

    @staticmethod
    def backward(context: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        position, *taps = context.saved_tensors
        of_x = of_position = None
        if context.needs_input_grad[0]:
            of_x = _adjoint(grad, position, context.frames, context.stride)
        if context.needs_input_grad[1]:
            slope = grad * (taps[1] - taps[0])
            of_position = _constrained(slope, context.replicas) if context.replicas else _summed(slope)
            of_position = of_position.to(position.dtype)
        return of_x, of_position, None, None


def _taps(x: Tensor, position: Tensor, stride: int) -> tuple[Tensor, Tensor]:
    """The frames before and after every position: views of one tensor, since the latter are the former, one later."""
    rows = stride * (x.shape[1] // stride - 1) + 2
    ahead = torch.arange(rows, device=x.device).unsqueeze(1) + _whole(position, x.shape[1])
    found = _gather(x, ahead)
    return found[:, : rows - 1 : stride], found[:, 1::stride]


def _adjoint(grad: Tensor, position: Tensor, frames: int, stride: int) -> Tensor:
    """Gradient of the input: where each frame went, with the same weights."""
    whole, share = _whole(position, frames), _share(position, grad.dtype)
    if stride == 1:
        came = _gather(grad, torch.arange(-1, frames, device=grad.device).unsqueeze(1) - whole)
        return torch.lerp(came[:, 1:], came[:, :-1], share)
    # Every other frame was the one before a position, the rest were those after.
    offset = torch.arange(frames, device=grad.device).unsqueeze(1) - whole
    weight = torch.where(offset % 2 == 0, 1 - share, share)
    return _gather(grad, torch.div(offset, 2, rounding_mode="floor")) * weight.unsqueeze(1)


def _gather(x: Tensor, frames: Tensor) -> Tensor:
    """Frames of each channel, zeros for those that do not exist.

    Shape:
        x: (N, T, V, C).
        frames: (T', C) int64.
        returned: (N, T', V, C).
    """
    count, length, joints, channels = x.shape
    inside = torch.where((frames < 0) | (frames >= length), length, frames).int() * (joints * channels)
    place = torch.arange(joints * channels, device=x.device, dtype=torch.int32).view(joints, channels)
    # One more frame, of zeros.
    padded = F.pad(x, (0, 0, 0, 0, 0, 1)).flatten(1)
    found = padded.index_select(1, (inside.unsqueeze(1) + place).flatten())
    return found.view(count, frames.shape[0], joints, channels)


def _whole(position: Tensor, frames: int) -> Tensor:
    """Whole frames of each position; those beyond the clip's length all lead outside."""
    return torch.floor(position.detach()).clamp(-frames - 2, frames + 2).long()


def _share(position: Tensor, dtype: torch.dtype) -> Tensor:
    """The part of a frame that is left, in the type of the clip: it lies in 0..1, where no type is coarse."""
    position = position.detach()
    return (position - torch.floor(position)).to(dtype)


def _summed(slope: Tensor) -> Tensor:
    return slope.flatten(0, 2).sum(0, dtype=torch.promote_types(slope.dtype, torch.float32))


def _constrained(slope: Tensor, replicas: int) -> Tensor:
    """Sign of the derivative times a fixed step, of each part of the batch, added up."""
    total = torch.zeros(slope.shape[-1], device=slope.device)
    for part in slope.chunk(replicas):
        # The published kernel averages over the batch, which decides at what size a float's square vanishes.
        derivative = _summed(part) / len(part)
        size = torch.sqrt(derivative * derivative)
        # Rounded, because a root is not always exact; what is too large or no number comes out as published, 0 or none.
        total = total + torch.where(size == 0, _DRIFT, _STEP * torch.round(derivative / size))
    return total
