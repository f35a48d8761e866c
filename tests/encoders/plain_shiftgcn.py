# SPDX-License-Identifier: Apache-2.0
"""Shift-GCN written down as its formulas stand, channels first and with four taps; slow, for comparison only."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

_STRIDES = (1, 1, 1, 1, 2, 1, 1, 2, 1, 1)


def shift(x: Tensor, xpos: Tensor, ypos: Tensor, *, stride: int) -> Tensor:
    """Bilinear interpolation at a place of its own for each channel; x is (N, C, T, V)."""
    frames, joints = x.shape[2:]
    y = ypos if stride == 1 else ypos + 0.5
    i, p = torch.floor(y).long(), torch.floor(xpos).long()
    d, e = (y - torch.floor(y)).view(-1, 1, 1), (xpos - torch.floor(xpos)).view(-1, 1, 1)

    def tap(later: int, further: int) -> Tensor:
        t = stride * torch.arange(frames // stride).view(1, -1, 1) + (i + later).view(-1, 1, 1)
        v = torch.arange(joints).view(1, 1, -1) + (p + further).view(-1, 1, 1)
        inside = (t >= 0) & (t < frames) & (v >= 0) & (v < joints)
        channel = torch.arange(x.shape[1]).view(-1, 1, 1)
        return torch.where(inside, x[:, channel, t.clamp(0, frames - 1), v.clamp(0, joints - 1)], 0.0)

    before = tap(0, 0) * (1 - e) * (1 - d) + tap(0, 1) * e * (1 - d)
    return before + tap(1, 0) * (1 - e) * d + tap(1, 1) * e * d


def logits(state: dict[str, Tensor], clip: Tensor, *, training: bool) -> Tensor:
    """The network, from an official state dict without its constants."""

    def norm(x: Tensor, key: str) -> Tensor:
        mean, var = (None, None) if training else (state[f"{key}.running_mean"], state[f"{key}.running_var"])
        return F.batch_norm(x, mean, var, state[f"{key}.weight"], state[f"{key}.bias"], training)

    def projected(x: Tensor, conv: str, bn: str, stride: int = 1) -> Tensor:
        return norm(F.conv2d(x, state[f"{conv}.weight"], state[f"{conv}.bias"], stride=(stride, 1)), bn)

    def spatial(x: Tensor, at: str) -> Tensor:
        count, channels, frames, joints = x.shape
        flat = x.permute(0, 2, 3, 1).reshape(count * frames, joints, channels)
        i, j = torch.arange(joints).view(-1, 1), torch.arange(channels)
        masked = flat[:, (i + j) % joints, j] * (torch.tanh(state[f"{at}.Feature_Mask"]) + 1)
        linear = masked @ state[f"{at}.Linear_weight"] + state[f"{at}.Linear_bias"]
        j = torch.arange(linear.shape[-1])
        o = norm(linear[:, (i - j) % joints, j].flatten(1), f"{at}.bn")
        o = o.view(count, frames, joints, -1).permute(0, 3, 1, 2)
        down = projected(x, f"{at}.down.0", f"{at}.down.1") if f"{at}.down.0.weight" in state else x
        return torch.relu(o + down)

    def temporal(x: Tensor, at: str, stride: int) -> Tensor:
        zero = torch.zeros(x.shape[1], dtype=x.dtype)
        x = shift(norm(x, f"{at}.bn"), zero, state[f"{at}.shift_in.ypos"], stride=1)
        x = torch.relu(F.conv2d(x, state[f"{at}.temporal_linear.weight"], state[f"{at}.temporal_linear.bias"]))
        return norm(shift(x, zero, state[f"{at}.shift_out.ypos"], stride=stride), f"{at}.bn2")

    count, channels, frames, joints, persons = clip.shape
    x = norm(clip.permute(0, 4, 3, 1, 2).reshape(count, -1, frames), "data_bn")
    x = x.view(count * persons, joints, channels, frames).permute(0, 2, 3, 1)
    for number, stride in enumerate(_STRIDES):
        at = f"l{number + 1}"
        y = temporal(spatial(x, f"{at}.gcn1"), f"{at}.tcn1", stride)
        if f"{at}.residual.conv.weight" in state:
            y = y + projected(x, f"{at}.residual.conv", f"{at}.residual.bn", stride)
        elif number:
            y = y + x
        x = torch.relu(y)
    pooled = x.view(count, persons, x.shape[1], -1).mean(3).mean(1)
    return pooled @ state["fc.weight"].t() + state["fc.bias"]
