# SPDX-License-Identifier: Apache-2.0
"""CTR-GCN against the official network, through the checkpoint converter."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import torch
from fixture import Fixture
from weights_rule import weights_by_rule

from bonefide.conversion import ctrgcn
from bonefide.encoders.ctrgcn import CTRGCN
from bonefide.layouts import layout
from bonefide.methods.supervised import Supervised

_LAYOUTS = {"ntu": "ntu25", "ucla": "ucla20"}


def official_weights(meta: dict[str, Any], graphs: np.ndarray) -> dict[str, torch.Tensor]:
    """By the weights rule, with the fixture's own exceptions."""
    kept = dict.fromkeys(meta["kept_initial"]["keys"], lambda _: graphs)
    special = dict.fromkeys(meta["special_fill"]["keys"], lambda wave: graphs + 0.1 * wave)
    return weights_by_rule(meta["state_dict"], special=kept | special)


def _map_stride(meta: dict[str, Any]) -> int:
    """Every how many channels of the map were stored, from words like `[:, ::8]`."""
    return int(re.search(r"::(\d+)\]", meta["map_stride"]["map"])[1])


def check_ctrgcn(fixture: Fixture) -> None:
    meta = fixture.meta
    skeleton = layout(_LAYOUTS[meta["dataset_shape"]])
    np.testing.assert_allclose(skeleton.adjacency("spatial"), fixture.arrays["input/A"], atol=1e-7)
    state = official_weights(meta, fixture.arrays["input/A"])
    clip = torch.tensor(fixture.arrays["input/x"], requires_grad=True)
    classes, persons = state["fc.weight"].shape[0], clip.shape[-1]
    method = Supervised(CTRGCN(skeleton, clip.shape[1], persons=persons), classes)
    converted = ctrgcn.CTRGCN().from_official(state)
    method.load_state_dict(converted, strict=True)
    back = ctrgcn.CTRGCN().to_official(converted)
    assert back.keys() == state.keys()
    assert all(torch.equal(back[key], state[key]) for key in state)
    method.eval()
    features = method.encoder(clip)
    logits = method.head(features.pooled)
    (logits * torch.cos(0.2 * torch.arange(logits.numel()).view_as(logits))).sum().backward()
    found = {
        "logits": logits,
        "pooled": features.pooled,
        "map": features.map.flatten(0, 1)[:, :: _map_stride(meta)],
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


CHECKS = {"encoders_ctrgcn": check_ctrgcn}
