# SPDX-License-Identifier: Apache-2.0
"""Files of ST-GCN in their several wrappings: with and without classifier, PGFA's pair; what does not belong there."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from bonefide.conversion import convert, stgcn
from bonefide.encoders.stgcn import STGCN
from bonefide.errors import DataError
from bonefide.layouts import layout

GOLDEN = Path(__file__).parents[1] / "golden"


def _official(case: str) -> dict[str, Tensor]:
    with np.load(GOLDEN / f"encoders_{case}.npz") as arrays:
        keys = json.loads(str(arrays["meta"]))["state_dict"]
    generator = torch.Generator().manual_seed(0)
    return {key: torch.randn(shape, generator=generator) for key, shape in keys}


@pytest.mark.parametrize("case", ["smie_ntu", "smie_ucla"])
def test_a_file_without_classifier_is_the_encoder(case: str, tmp_path: Path) -> None:
    state = _official(case)
    torch.save(state, tmp_path / "smie.pt")
    ours = convert("stgcn", tmp_path / "smie.pt")
    name, count = ("ntu25", 25) if case.endswith("ntu") else ("ucla20", 20)
    encoder = STGCN(layout(name), 3, base_channels=16, last_channels=256)
    encoder.load_state_dict({key.removeprefix("encoder."): value for key, value in ours.items()}, strict=True)
    assert encoder.joints == count
    back = stgcn.STGCN().to_official(ours)
    assert back.keys() == state.keys() - {"A"}
    assert all(torch.equal(back[key], state[key]) for key in back)


def test_the_encoder_of_a_pair(tmp_path: Path) -> None:
    state = _official("smie_ntu")
    torch.save({"encoder": state, "adapter": {"weight": torch.zeros(768, 256)}}, tmp_path / "pgfa.pt")
    found, plain = convert("stgcn", tmp_path / "pgfa.pt"), stgcn.STGCN().from_official(state)
    assert found.keys() == plain.keys()
    assert all(torch.equal(found[key], plain[key]) for key in plain)


@pytest.mark.parametrize(
    "key", ["fcn.bias", "st_gcn_networks.4.residual.1.bias", "st_gcn_networks.9.gcn.conv.weight", "edge_importance.3"]
)
def test_what_is_missing_is_named(key: str) -> None:
    state = _official("stgcn_ntu")
    del state[key]
    with pytest.raises(DataError, match=rf"'{key}' is missing"):
        stgcn.STGCN().from_official(state)


@pytest.mark.parametrize(
    "key",
    [
        "st_gcn_networks.10.tcn.0.weight",
        "st_gcn_networks.3.residual.0.weight",
        "edge_importance.10",
        "adapter.weight",
        "fcn.more",
        "data_bn.more",
    ],
)
def test_what_has_no_place_is_named(key: str) -> None:
    with pytest.raises(DataError, match=rf"'{key}' has no place"):
        stgcn.STGCN().from_official(_official("stgcn_ntu") | {key: torch.zeros(1)})
