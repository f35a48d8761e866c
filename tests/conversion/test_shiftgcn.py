# SPDX-License-Identifier: Apache-2.0
"""What the converter of Shift-GCN looks at before it leaves it out; the released files, where they are at hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from bonefide.conversion import convert
from bonefide.conversion.shiftgcn import ShiftGCN
from bonefide.encoders.shiftgcn import ShiftGCN as Encoder
from bonefide.errors import DataError
from bonefide.layers.joint_shift import joint_shift
from bonefide.layouts import layout
from bonefide.methods.supervised import Supervised

FIXTURE = Path(__file__).parents[1] / "golden" / "encoders_shiftgcn_ntu.npz"
RELEASED = {
    "ntu_ShiftGCN_joint_xsub.pt": 60,
    "ntu_ShiftGCN_joint_xview.pt": 60,
    "ntu120_ShiftGCN_joint_xsub.pt": 120,
    "ntu120_ShiftGCN_joint_xsetup.pt": 120,
}


@pytest.fixture
def state() -> dict[str, Tensor]:
    """As released files are: 302 entries, 40 of them without anything learned."""
    with np.load(FIXTURE) as arrays:
        keys = json.loads(str(arrays["meta"]))["state_dict"]
    found = {key: torch.zeros(shape, dtype=torch.long if "num_batches" in key else None) for key, shape in keys}
    for block in range(1, 11):
        linear = found[f"l{block}.gcn1.Linear_weight"]
        for way, channels in zip(("in", "out"), linear.shape, strict=True):
            found[f"l{block}.gcn1.shift_{way}"] = joint_shift(25, channels, back=way == "out")
    return found


def test_what_is_ignored(state: dict[str, Tensor]) -> None:
    assert len(state) == 302
    assert len(ShiftGCN.ignored) == 40
    assert state.keys() >= set(ShiftGCN.ignored)
    learned = {key: value for key, value in state.items() if key not in ShiftGCN.ignored}
    ours, without = ShiftGCN().from_official(state), ShiftGCN().from_official(learned)
    assert ours.keys() == without.keys()
    assert len(ours) == 262


@pytest.mark.parametrize("way", ["in", "out"])
def test_another_permutation_is_refused(state: dict[str, Tensor], way: str) -> None:
    key = f"l6.gcn1.shift_{way}"
    state[key] = state[key].flip(0)
    with pytest.raises(DataError, match=rf"'l6\.gcn1\.shift_{way}' is not the shift of Shift-GCN"):
        ShiftGCN().from_official(state)


@pytest.mark.parametrize("value", [1e-5, -1.0, float("nan")])
def test_shifts_along_the_joints_are_refused(state: dict[str, Tensor], value: float) -> None:
    state["l10.tcn1.shift_out.xpos"][3] = value
    with pytest.raises(DataError, match=r"'l10\.tcn1\.shift_out\.xpos' shifts along the joints by up to"):
        ShiftGCN().from_official(state)


@pytest.mark.parametrize("name", RELEASED)
def test_released_files_load_whole(name: str, shared_data: Path) -> None:
    file = shared_data / "checkpoints" / name
    if not file.is_file():
        pytest.skip(f"the released weights are absent: no {file}")
    weights = convert("shiftgcn", file)
    method = Supervised(Encoder(layout("ntu25"), 3), RELEASED[name])
    method.load_state_dict(weights, strict=True)
    reach = max(value.abs().max().item() for key, value in weights.items() if key.endswith("position"))
    assert 8 < reach < 10, "the published shifts reach 8.3 to 9.6 frames"
