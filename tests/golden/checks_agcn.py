# SPDX-License-Identifier: Apache-2.0
"""2s-AGCN against the official network, through the checkpoint converter."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import torch
from fixture import Fixture
from torch import Tensor

from bonefide.conversion import agcn
from bonefide.encoders.agcn import AGCN
from bonefide.layouts import layout
from bonefide.methods.supervised import Supervised

__all__ = ["CHECKS"]

_LAYOUTS = {"ntu": "ntu25", "ucla": "ucla20"}


def official_weights(meta: dict[str, Any]) -> dict[str, Tensor]:
    """The state dict of the weights rule in the fixtures' README, with the fixture's own exceptions."""
    state = {}
    for position, (key, shape) in enumerate(meta["state_dict"]):
        wave = np.sin(0.37 * position + 0.11 * np.arange(math.prod(shape))).reshape(shape)
        if key.endswith("num_batches_tracked"):
            value = np.zeros(shape)
        elif key.endswith("running_var"):
            value = 1 + 0.3 * wave
        elif key.endswith("running_mean"):
            value = 0.1 * wave
        elif len(shape) >= 2:
            value = wave * math.sqrt(2 / math.prod(shape[1:]))
        elif key.endswith("weight"):
            value = 1 + 0.2 * wave
        else:
            value = 0.1 * wave
        if key in meta["kept_initial"]["keys"]:
            value = np.full(shape, 1e-6)
        state[key] = torch.tensor(value, dtype=torch.int64 if key.endswith("num_batches_tracked") else torch.float32)
    return state


def check_agcn(fixture: Fixture) -> None:
    meta = fixture.meta
    skeleton = layout(_LAYOUTS[meta["dataset_shape"]])
    np.testing.assert_allclose(skeleton.adjacency("spatial"), fixture.arrays["input/A"], atol=1e-7)
    state = official_weights(meta)
    clip = torch.tensor(fixture.arrays["input/x"], requires_grad=True)
    method = Supervised(AGCN(skeleton, clip.shape[1], persons=clip.shape[-1]), len(state["fc.weight"]))
    converted = agcn.AGCN().from_official(state)
    method.load_state_dict(converted, strict=True)
    back = agcn.AGCN().to_official(converted)
    assert back.keys() == state.keys()
    assert all(torch.equal(back[key], state[key]) for key in state)
    method.eval()
    features = method.encoder(clip)
    logits = method.head(features.pooled)
    (logits * torch.cos(0.2 * torch.arange(logits.numel()).view_as(logits))).sum().backward()
    stride = int(re.search(r"::(\d+)\]", meta["map_stride"]["map"])[1])
    found = {
        "logits": logits,
        "pooled": features.pooled,
        "map": features.map.flatten(0, 1)[:, ::stride],
        "grad_x": clip.grad,
    }
    for name, tolerance in meta["tolerance"]["tol"].items():
        expected, ours = fixture.arrays[f"output/{name}"], found[name].detach().numpy()
        assert ours.shape == expected.shape, name
        if name.startswith("grad"):
            error = np.linalg.norm(ours - expected) / np.linalg.norm(expected)
        else:
            error = np.abs(ours - expected).max() / np.abs(expected).max()
        assert error <= tolerance, f"{name}: relative error {error:.2e} > {tolerance:.0e}"


CHECKS = {"encoders_agcn": check_agcn}
