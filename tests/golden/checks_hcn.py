# SPDX-License-Identifier: Apache-2.0
"""HCN against its re-implementation, through the checkpoint converter."""

from __future__ import annotations

import numpy as np
import torch
from fixture import Fixture
from weights_rule import weights_by_rule

from bonefide.conversion import hcn
from bonefide.encoders.hcn import HCN
from bonefide.layouts import layout
from bonefide.methods.supervised import Supervised

__all__ = ["CHECKS"]

_LAYOUTS = {"ntu": "ntu25", "ucla": "ucla20"}
_MAP_STRIDE = 8


def check_hcn(fixture: Fixture) -> None:
    meta = fixture.meta
    state = weights_by_rule(meta["state_dict"])
    clip = torch.tensor(fixture.arrays["input/x"], requires_grad=True)
    skeleton, frames = layout(_LAYOUTS[meta["dataset_shape"]]), meta["build"]["window_size"]
    encoder = HCN(skeleton, clip.shape[1], frames=frames, persons=clip.shape[-1])
    method = Supervised(encoder, len(state["fc8.weight"]))
    converted = hcn.HCN().from_official(state)
    method.load_state_dict(converted, strict=True)
    back = hcn.HCN().to_official(converted)
    assert back.keys() == state.keys()
    assert all(torch.equal(back[key], state[key]) for key in state)
    assert sum(each.numel() for each in method.parameters()) == meta["num_parameters"]
    method.eval()
    features = encoder(clip)
    logits = method.head(features.pooled)
    (logits * torch.cos(0.2 * torch.arange(logits.numel()).view_as(logits))).sum().backward()
    found = {
        "logits": logits,
        "pooled": features.pooled,
        "map": features.map[:, :, ::_MAP_STRIDE],
        "flat": features.map.amax(dim=1).flatten(1)[:, ::_MAP_STRIDE],
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


CHECKS = {"encoders_hcn": check_hcn}
