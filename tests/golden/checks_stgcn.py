# SPDX-License-Identifier: Apache-2.0
"""ST-GCN, and the light one of SMIE and PGFA, against the official networks, through the checkpoint converter."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import torch
from fixture import Fixture
from torch import Tensor
from weights_rule import weights_by_rule

from bonefide.conversion import stgcn
from bonefide.encoders.stgcn import STGCN
from bonefide.layouts import layout

__all__ = ["CHECKS"]

_LAYOUTS = {"ntu": "ntu25", "ucla": "ucla20"}
_LIGHT = {"base_channels": 16, "last_channels": 256, "init": "default"}


def official_weights(meta: dict[str, Any]) -> dict[str, Tensor]:
    """By the weights rule, with the fixture's own exceptions."""
    kept = dict.fromkeys(meta["kept_initial"]["keys"], np.ones_like)
    special = dict.fromkeys(meta["special_fill"]["keys"], lambda wave: 1 + 0.3 * wave)
    return weights_by_rule(meta["state_dict"], special=kept | special)


def _check(fixture: Fixture, options: dict[str, Any]) -> None:
    meta = fixture.meta
    skeleton = layout(_LAYOUTS[meta["dataset_shape"]])
    np.testing.assert_allclose(skeleton.adjacency("stgcn_spatial"), fixture.arrays["input/A"], atol=1e-7)
    state = official_weights(meta)
    clip = torch.tensor(fixture.arrays["input/x"], requires_grad=True)
    converted = stgcn.STGCN().from_official(state)
    encoder = STGCN(skeleton, clip.shape[1], ignore_joints=meta["forward_kwargs"].get("ignore_joint", ()), **options)
    encoder.load_state_dict(
        {key.removeprefix("encoder."): value for key, value in converted.items() if key.startswith("encoder.")}
    )
    back = stgcn.STGCN().to_official(converted)
    assert back.keys() == state.keys() - {"A"}
    assert all(torch.equal(back[key], state[key]) for key in back)
    features = encoder.eval()(clip)
    head = features.pooled
    if "fcn.weight" in state:
        head = torch.nn.functional.linear(head, converted["head.weight"], converted["head.bias"])
    (head * torch.cos(0.2 * torch.arange(head.numel()).view_as(head))).sum().backward()
    stride = int(re.search(r"::(\d+)\]", meta["map_stride"]["map"])[1])
    found = {
        "logits": head,
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


def check_stgcn(fixture: Fixture) -> None:
    _check(fixture, {})


def check_light(fixture: Fixture) -> None:
    _check(fixture, _LIGHT)


CHECKS = {"encoders_stgcn": check_stgcn, "encoders_smie": check_light}
