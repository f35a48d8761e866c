# SPDX-License-Identifier: Apache-2.0
"""2s-AGCN against the official network, through the checkpoint converter."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import torch
from fixture import Fixture
from torch import Tensor
from weights_rule import weights_by_rule

from bonefide.conversion import agcn
from bonefide.encoders.agcn import AGCN
from bonefide.layouts import layout
from bonefide.methods.supervised import Supervised

__all__ = ["CHECKS"]

_LAYOUTS = {"ntu": "ntu25", "ucla": "ucla20"}


def official_weights(meta: dict[str, Any]) -> dict[str, Tensor]:
    """By the weights rule, with the fixture's own exceptions."""
    kept = dict.fromkeys(meta["kept_initial"]["keys"], lambda wave: np.full_like(wave, 1e-6))
    return weights_by_rule(meta["state_dict"], special=kept)


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
