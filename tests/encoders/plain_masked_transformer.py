# SPDX-License-Identifier: Apache-2.0
"""The MAMP framework, formula by formula, under the official names: slow, and what ours is held against."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

__all__ = ["PlainPretraining", "plain_density_change"]

Model = Literal["mae", "mamp", "stjd"]


class PlainPretraining(nn.Module):
    def __init__(
        self,
        model: Model,
        *,
        frames: int = 120,
        joints: int = 25,
        width: int = 256,
        depth: int = 8,
        decoder_width: int = 256,
        decoder_depth: int = 5,
        heads: int = 8,
        patch: int = 4,
    ) -> None:
        super().__init__()
        self.model, self.patch = model, patch
        self.temp_embed = nn.Parameter(0.02 * torch.randn(1, frames // patch, 1, width))
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, 1, joints, width))
        self.mask_token = nn.Parameter(0.02 * torch.randn(1, 1, decoder_width))
        self.decoder_temp_embed = nn.Parameter(0.02 * torch.randn(1, frames // patch, 1, decoder_width))
        self.decoder_pos_embed = nn.Parameter(0.02 * torch.randn(1, 1, joints, decoder_width))
        self.joints_embed = Embed(width, patch)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        if model == "stjd":
            self.gen_mask = Density(3 * patch, joints)
        self.decoder_embed = nn.Linear(width, decoder_width)
        self.decoder_blocks = nn.ModuleList(Block(decoder_width, heads) for _ in range(decoder_depth))
        self.decoder_norm = nn.LayerNorm(decoder_width)
        self.decoder_pred = nn.Linear(decoder_width, 3 * patch)

    def encode(self, clip: Tensor) -> Tensor:
        """All tokens, (B, L, D)."""
        x = self.embed(persons(clip))
        for block in self.blocks:
            x = block(x)
        return self.norm(x)

    def embed(self, x: Tensor) -> Tensor:
        embedded = self.joints_embed.proj(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return (embedded + self.pos_embed + self.temp_embed).flatten(1, 2)

    def patchify(self, x: Tensor) -> Tensor:
        count, frames, joints, channels = x.shape
        parts = x.reshape(count, frames // self.patch, self.patch, joints, channels)
        return parts.permute(0, 1, 3, 2, 4).reshape(count, -1, self.patch * channels)

    def score(self, x: Tensor) -> Tensor | None:
        tokens = self.patchify(x).unflatten(1, (-1, x.shape[2]))
        if self.model == "mae":
            return None
        moved = torch.zeros(tokens.shape[:3], dtype=x.dtype)
        moved[:, 1:] = (tokens[:, 1:] - tokens[:, :-1]).abs().mean(-1)
        moved[:, 0] = moved[:, 1]
        # The official code calculates both, and throws this one away.
        return self.gen_mask(tokens) if self.model == "stjd" else moved

    def forward(self, clip: Tensor, uniform: Tensor, *, ratio: float = 0.9, temperature: float = 0.8) -> Tensor:
        x = persons(clip)
        noise, score = uniform, self.score(x)
        if score is not None:
            flat = score.flatten(1)
            scaled = flat / (flat.amax(1, keepdim=True) * temperature + 1e-10)
            noise = scaled.softmax(1).log() - torch.log(-torch.log(uniform + 1e-10) + 1e-10)
        order = noise.argsort(1)
        back = order.argsort(1)
        embedded = self.embed(x)
        keep = int(embedded.shape[1] * (1 - ratio))
        z = embedded.gather(1, order[:, :keep, None].expand(-1, -1, embedded.shape[2]))
        for block in self.blocks:
            z = block(z)
        y = self.decoder_embed(self.norm(z))
        hidden = self.mask_token.expand(len(y), embedded.shape[1] - keep, -1)
        y = torch.cat([y, hidden], 1).gather(1, back[:, :, None].expand(-1, -1, y.shape[2]))
        y = y + (self.decoder_pos_embed + self.decoder_temp_embed).flatten(1, 2)
        for block in self.decoder_blocks:
            y = block(y)
        predicted = self.decoder_pred(self.decoder_norm(y))
        if self.model != "mae":
            motion = torch.zeros_like(x)
            motion[:, :-1] = x[:, 1:] - x[:, :-1]
            x = motion
        target = self.patchify(x)
        target = (target - target.mean(-1, keepdim=True)) / (target.var(-1, keepdim=True) + 1e-6) ** 0.5
        mask = (back >= keep).to(x.dtype)
        return ((predicted - target) ** 2).mean(-1).mul(mask).sum() / mask.sum()


class Embed(nn.Module):
    def __init__(self, width: int, patch: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, (patch, 1), (patch, 1))


class Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn, self.mlp = Attention(width, heads), nn.Module()
        self.mlp.fc1, self.mlp.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp.fc2(nn.functional.gelu(self.mlp.fc1(self.norm2(x))))


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.proj, self.qkv = nn.Linear(width, width), nn.Linear(width, 3 * width)

    def forward(self, x: Tensor) -> Tensor:
        count, tokens, width = x.shape
        parts = self.qkv(x).reshape(count, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = parts
        attention = (q @ k.transpose(-2, -1) * (width // self.heads) ** -0.5).softmax(-1)
        return self.proj((attention @ v).transpose(1, 2).reshape(count, tokens, width))


class Density(nn.Module):
    """With a tensor of all pairs of joints and all channels, as published."""

    def __init__(self, in_channels: int, joints: int, channels: int = 16) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.ones(channels))
        self.h_values = nn.Parameter(torch.ones(joints, channels))
        self.joint_weights = nn.Parameter(torch.ones(joints))
        self.m = nn.Conv1d(in_channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return plain_density_change(x, self.m, self.weights, self.h_values, self.joint_weights)


def plain_density_change(x: Tensor, m: nn.Module, w: Tensor, h: Tensor, a: Tensor) -> Tensor:
    count, times, joints, channels = x.shape
    y = m(x.reshape(-1, joints, channels).transpose(1, 2)).transpose(1, 2)
    apart = (y.unsqueeze(1) - y.unsqueeze(2)) / h
    kernels = (w / h).unsqueeze(1) * torch.exp(-0.5 * apart**2)
    density = (kernels.prod(-1) * a).sum(-1) * (2 * math.pi) ** (-len(w) / 2)
    density = density.view(count, times, joints)
    change = torch.zeros_like(density)
    change[:, 1:] = (density[:, 1:] - density[:, :-1]).abs()
    return change


def persons(clip: Tensor) -> Tensor:
    """(N, C, T, V, M) to (N * M, T, V, C)."""
    return clip.permute(0, 4, 2, 3, 1).flatten(0, 1)
