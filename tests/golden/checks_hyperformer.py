# SPDX-License-Identifier: Apache-2.0
"""Hyperformer against the official network, through the checkpoint converter."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import torch
from fixture import Fixture
from torch import Tensor

from bonefide.conversion import hyperformer
from bonefide.encoders.hyperformer import Hyperformer
from bonefide.layouts import layout
from bonefide.methods.supervised import Supervised
from bonefide.types import Array

__all__ = ["CHECKS"]

_LAYOUTS = {"ntu": "ntu25", "ucla": "ucla20"}


def official_weights(meta: dict[str, Any]) -> dict[str, Tensor]:
    """The state dict of the weights rule in the fixtures' README, with the fixture's own exceptions."""
    strong = meta["special_fill"]["rule"].startswith("w=sin(1.7*k+7.13*arange(n))")
    state = {}
    for position, (key, shape) in enumerate(meta["state_dict"]):
        steps = np.arange(math.prod(shape))
        wave = np.sin(0.37 * position + 0.11 * steps).reshape(shape)
        value = _plain(key, wave)
        if key in meta["kept_initial"]["keys"]:
            value = np.broadcast_to(np.eye(shape[-1]), shape)
        if key in meta["special_fill"]["keys"]:
            value = _special(key, np.sin(1.7 * position + 7.13 * steps).reshape(shape) if strong else wave, strong)
        state[key] = torch.tensor(value, dtype=torch.int64 if key.endswith("num_batches_tracked") else torch.float32)
    return state


def _plain(key: str, wave: Array) -> Array:
    if key.endswith("num_batches_tracked"):
        return np.zeros_like(wave)
    if key.endswith("running_var"):
        return 1 + 0.3 * wave
    if key.endswith("running_mean"):
        return 0.1 * wave
    if wave.ndim >= 2:
        return wave * math.sqrt(2 / math.prod(wave.shape[1:]))
    return 1 + 0.2 * wave if key.endswith("weight") else 0.1 * wave


def _special(key: str, wave: Array, strong: bool) -> Array:
    if key.endswith("attn.alpha"):
        return np.ones_like(wave)
    if key.endswith("attn.outer"):
        return np.eye(wave.shape[-1]) + (0.1 if strong else 0.2) * wave
    if key.endswith(("attn.rpe", "attn.w1")):
        return wave
    scaled = wave * math.sqrt(2 / math.prod(wave.shape[1:]))
    return 0.3 * scaled if key.endswith(("attn.q.weight", "attn.kv.weight", "pe_proj.weight")) else scaled


def check_hyperformer(fixture: Fixture) -> None:
    meta = fixture.meta
    state = official_weights(meta)
    clip = torch.tensor(fixture.arrays["input/x"], requires_grad=True)
    converted = hyperformer.Hyperformer().from_official(state)
    back = hyperformer.Hyperformer().to_official(converted)
    assert back.keys() == state.keys()
    assert all(torch.equal(back[key], state[key]) for key in state)
    encoder = Hyperformer(layout(_LAYOUTS[meta["dataset_shape"]]), clip.shape[1], persons=clip.shape[-1])
    method = Supervised(encoder, len(state["fc.bias"])).eval()
    method.load_state_dict(converted, strict=True)
    features = encoder(clip)
    logits = method.head(features.pooled)
    (logits * torch.cos(0.2 * torch.arange(logits.numel()).view_as(logits))).sum().backward()
    every = int(re.search(r"::(\d+)\]", meta["map_stride"]["map"])[1])
    found = {
        "logits": logits,
        "pooled": features.pooled,
        "map": features.map.flatten(0, 1)[:, ::every],
        "grad_x": clip.grad,
    }
    for name, tolerance in meta["tolerance"]["tol"].items():
        expected = fixture.arrays[f"output/{name}"]
        ours = found[name].detach().numpy()
        if name.startswith("grad"):
            error = np.linalg.norm(ours - expected) / np.linalg.norm(expected)
        else:
            error = np.abs(ours - expected).max() / np.abs(expected).max()
        assert error <= tolerance, f"{name}: relative error {error:.2e} > {tolerance:.0e}"


CHECKS = {"encoders_hyperformer": check_hyperformer}
