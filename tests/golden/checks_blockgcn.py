# SPDX-License-Identifier: Apache-2.0
"""BlockGCN against the official network, through the checkpoint converter, and its topology against giotto's."""

from __future__ import annotations

import re

import numpy as np
import torch
from checks_ctrgcn import official_weights
from fixture import Fixture

from bonefide.conversion import blockgcn
from bonefide.encoders._blockgcn_topology import Topology, persistence
from bonefide.encoders.blockgcn import BlockGCN
from bonefide.layouts import layout
from bonefide.methods.supervised import Supervised

__all__ = ["CHECKS"]

_LAYOUTS = {"ntu": "ntu25", "ucla": "ucla20"}


def check_network(fixture: Fixture) -> None:
    meta = fixture.meta
    clip = torch.tensor(fixture.arrays["input/x"], requires_grad=True)
    joints = torch.tensor(fixture.arrays["input/joint"])
    samples, channels, _, number, persons = clip.shape
    state = official_weights(meta, np.broadcast_to(np.eye(number), (3, 8, number, number)))
    converted = blockgcn.BlockGCN().from_official(state)
    back = blockgcn.BlockGCN().to_official(converted)
    assert back.keys() == state.keys()
    assert all(torch.equal(back[key], state[key]) for key in state)
    # A single clip is its own batch, so both variants must give the official numbers.
    for topology in ("official", "fixed") if samples == 1 else ("official",):
        skeleton = layout(_LAYOUTS[meta["dataset_shape"]])
        encoder = BlockGCN(skeleton, channels, persons=persons, topology=topology)
        method = Supervised(encoder, len(state["fc.bias"]))
        method.load_state_dict(converted, strict=True)
        _compare(fixture, method.eval(), clip, joints)


def _compare(fixture: Fixture, method: Supervised, clip: torch.Tensor, joints: torch.Tensor) -> None:
    clip.grad = None
    features = method.encoder(clip, joints)
    logits = method.head(features.pooled)
    (logits * torch.cos(0.2 * torch.arange(logits.numel()).view_as(logits))).sum().backward()
    every = int(re.search(r"::(\d+)\]", fixture.meta["map_stride"]["map"])[1])
    found = {
        "logits": logits,
        "pooled": features.pooled,
        "map": features.map.flatten(0, 1)[:, ::every],
        "grad_x": clip.grad,
    }
    for name, tolerance in fixture.meta["tolerance"]["tol"].items():
        expected = fixture.arrays[f"output/{name}"]
        ours = found[name].detach().numpy()
        if name.startswith("grad"):
            error = np.linalg.norm(ours - expected) / np.linalg.norm(expected)
        else:
            error = np.abs(ours - expected).max() / np.abs(expected).max()
        assert error <= tolerance, f"{name}: relative error {error:.2e} > {tolerance:.0e}"


def check_topology(fixture: Fixture) -> None:
    arrays = fixture.arrays
    joints = torch.tensor(arrays["input/joint"])
    for over_batch, name in ((True, "bars_batchnorm"), (False, "bars_samplenorm")):
        bars = persistence(joints, over_batch=over_batch).sort(dim=1).values.numpy()
        expected = arrays[f"output/{name}"]
        np.testing.assert_allclose(bars, expected, atol=1e-5)
        assert ((bars == 0) == (expected == 0)).all(), "joints that coincide, and only they, have bars of no length"
    topology = Topology([8], persons=joints.shape[-1], mixing=True)
    with torch.no_grad():
        topology.centres.copy_(torch.tensor(arrays["input/centres"]))
        topology.sharpness.copy_(torch.tensor(arrays["input/sharpness"]))
        answers = topology.elements(persistence(joints, over_batch=True)).numpy()

    np.testing.assert_allclose(answers, arrays["output/topo"], atol=1e-4, rtol=0)


CHECKS = {"encoders_blockgcn": check_network, "encoders_blockgcn_topo": check_topology}
