# SPDX-License-Identifier: Apache-2.0
"""Hyperformer against the official network, through the checkpoint converter."""

from __future__ import annotations

import math
import re
from functools import partial
from typing import Any

import numpy as np
import torch
from fixture import Fixture
from torch import Tensor
from weights_rule import weights_by_rule

from bonefide.conversion import hyperformer
from bonefide.encoders.hyperformer import Hyperformer
from bonefide.layouts import layout
from bonefide.methods.supervised import Supervised
from bonefide.types import Array

__all__ = ["CHECKS"]

_LAYOUTS = {"ntu": "ntu25", "ucla": "ucla20"}


def official_weights(meta: dict[str, Any]) -> dict[str, Tensor]:
    """By the weights rule, with the fixture's own exceptions."""
    strong = meta["special_fill"]["rule"].startswith("w=sin(1.7*k+7.13*arange(n))")
    kept = dict.fromkeys(meta["kept_initial"]["keys"], identities)
    special = {
        key: partial(_special, key, position if strong else None)
        for position, (key, _) in enumerate(meta["state_dict"])
        if key in meta["special_fill"]["keys"]
    }
    return weights_by_rule(meta["state_dict"], special=kept | special)


def identities(wave: Array) -> Array:
    return np.broadcast_to(np.eye(wave.shape[-1]), wave.shape)


def _special(key: str, strong: int | None, wave: Array) -> Array:
    """`strong` is the place of one that has another wave than the rule's."""
    if strong is not None:
        wave = np.sin(1.7 * strong + 7.13 * np.arange(wave.size)).reshape(wave.shape)
    if key.endswith("attn.alpha"):
        return np.ones_like(wave)
    if key.endswith("attn.outer"):
        return np.eye(wave.shape[-1]) + (0.2 if strong is None else 0.1) * wave
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
