# SPDX-License-Identifier: Apache-2.0
"""Neuron against the official networks: its Shift-GCN, and what is matched with texts."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from checks_shiftgcn import official_weights
from fixture import Fixture
from torch import Tensor, nn
from weights_rule import weights_by_rule

from bonefide.conversion import neuron, shiftgcn
from bonefide.data.class_splits import ClassSplit
from bonefide.encoders._temporal_shift import shift_frames
from bonefide.encoders.shiftgcn import ShiftGCN
from bonefide.layouts import layout
from bonefide.methods.neuron import Neuron
from bonefide.methods.supervised import Supervised
from bonefide.text.bank import TextBank
from bonefide.types import Batch, Features

__all__ = ["CHECKS"]

_SPATIAL = ("spatial_coarse", "spatial_mid", "spatial_fine")
_TEMPORAL = ("temporal_1", "temporal_12", "temporal_123")
_BRANCHES = (("spatial", _SPATIAL), ("temporal", _TEMPORAL))


class _Given(nn.Module):
    """An encoder that gives features as they are: clips (N, D', T', V', 1)."""

    needs_joints = False
    map_axis = "joint"

    def __init__(self, channels: int, joints: int) -> None:
        super().__init__()
        self.out_channels, self.joints = channels, joints

    def map_size(self, frames: int) -> tuple[int, int, int]:
        return self.out_channels, frames, self.joints

    def forward(self, clip: Tensor, joints: Tensor | None = None) -> Features:
        return Features(clip.permute(0, 4, 1, 2, 3), clip.mean(dim=(2, 3, 4)))


def check_matching(fixture: Fixture) -> None:
    arrays, tolerance = fixture.arrays, fixture.meta["tolerance"]
    method, batch = _matcher(fixture)
    levels = dict(zip(("spatial", "temporal"), method._levels(batch), strict=True))
    for branch, kinds in _BRANCHES:
        embedded = method._embedded(levels[branch], method.get_submodule(f"{branch}_project"))
        for number, (prototypes, vector, kind) in enumerate(zip(levels[branch], embedded, kinds, strict=True), start=1):
            name = f"{branch}_{{}}_level{number}"
            pooled = arrays[f"output/{name.format('pooled')}"]
            limit = tolerance["pooled_rel"] * np.abs(pooled).max()
            _near(prototypes.mean(dim=1), pooled, limit)
            _near(vector, arrays[f"output/{name.format('embedding')}"], tolerance["embedding_abs"])
            logits = method._compared(vector, method.texts.of(kind))
            _near(logits, arrays[f"output/logits_{branch}_level{number}"], tolerance["logits_abs"])
    with torch.inference_mode():
        outputs = method.eval().outputs(batch)
    for branch, _ in _BRANCHES:
        _near(outputs.branches[branch], arrays[f"output/logits_{branch}_level3"], tolerance["logits_abs"])
    _check_losses(fixture, method, batch)


def _check_losses(fixture: Fixture, method: Neuron, batch: Batch) -> None:
    arrays, tolerance = fixture.arrays, fixture.meta["tolerance"]
    losses = method.losses(batch)
    total = losses["spatial"] + losses["temporal"]
    _near(2 * losses["spatial"], arrays["output/loss_spatial"], tolerance["loss_abs"])
    _near(2 * losses["temporal"], arrays["output/loss_temporal"], tolerance["loss_abs"])
    _near(total, arrays["output/loss"], tolerance["loss_abs"])
    total.backward()
    norms = {name: each.grad.norm().item() for name, each in method.named_parameters()}
    ours = {key: name for name, key in _official_names(method).items()}
    for key, expected in zip(fixture.meta["grad_norm_order"], arrays["output/grad_norms"], strict=True):
        if np.isnan(expected):
            assert key in neuron.Neuron.ignored
            continue
        found = norms.pop(ours[key])
        limit = tolerance["grad_norm_abs"] + tolerance["grad_norm_rel"] * expected
        assert abs(found - expected) <= limit, f"{key}: gradient {found:.3g}, expected {expected:.3g}"
    assert not norms


def _matcher(fixture: Fixture) -> tuple[Neuron, Batch]:
    arrays = fixture.arrays
    cube, labels = torch.tensor(arrays["input/cube"]), torch.tensor(arrays["input/labels"])
    texts = {
        kind: arrays[f"input/text_{branch}"][level] for branch, kinds in _BRANCHES for level, kind in enumerate(kinds)
    }
    count = len(texts[_SPATIAL[0]])
    bank = TextBank(tuple(map(str, range(count))), texts, {}, "official")
    _, channels, frames, joints = cube.shape
    # The losses of the fixture are over all the classes it has texts of.
    split = ClassSplit("all", tuple(range(count)), (count,))
    method = Neuron(_Given(channels, joints), count, bank, split, frames=frames)
    ours = neuron.Neuron().from_official(weights_by_rule(fixture.meta["state_dict"]) | _any_encoder())
    kept = {key: value for key, value in ours.items() if not key.startswith("encoder.")}
    method.load_state_dict(kept | {key: value for key, value in method.state_dict().items() if "texts." in key})
    return method, Batch(cube.unsqueeze(-1), labels, labels)


def _any_encoder() -> dict[str, Tensor]:
    """The official state dict of some Shift-GCN: files of Neuron are converted with theirs."""
    own = Supervised(ShiftGCN(layout("ntu25"), 3, base_channels=8), 2).state_dict()
    return {f"feature_extractor.{key}": value for key, value in shiftgcn.ShiftGCN().to_official(own).items()}


def _official_names(method: Neuron) -> dict[str, str]:
    """Ours to the official ones."""
    own = {name: torch.tensor(float(number)) for number, (name, _) in enumerate(method.named_parameters())}
    encoder = Supervised(ShiftGCN(layout("ntu25"), 3, base_channels=8), 2).state_dict()
    there = neuron.Neuron().to_official(own | {key: value for key, value in encoder.items() if "encoder." in key})
    numbers = {int(value): key for key, value in there.items() if not key.startswith("feature_extractor.")}
    return {name: numbers[int(value)] for name, value in own.items()}


def check_encoder(fixture: Fixture) -> None:
    arrays, meta = fixture.arrays, fixture.meta
    state = official_weights(meta)
    along = {key: value for key, value in state.items() if key.endswith("xpos")}
    ours = shiftgcn.ShiftGCN().from_official(state | {key: 0 * value for key, value in along.items()})
    method = Supervised(ShiftGCN(layout("ntu25"), 3), meta["config"]["num_class"]).eval()
    method.load_state_dict(ours, strict=True)
    for key, positions in along.items():
        block, _, place, _ = key.split(".")
        shift = method.get_submodule(f"encoder.blocks.{int(block[1:]) - 1}.temporal.{place}")
        shift.register_forward_pre_hook(partial(_along_joints, positions))
    with torch.inference_mode():
        features = method.encoder(torch.tensor(arrays["input/x"]))
        logits = method.head(features.pooled)
    cube = features.map.mean(dim=1)
    assert tuple(arrays["output/cube_shape"]) == tuple(cube.shape)
    found = {
        "class_logits": logits,
        "pooled": features.pooled,
        "cube_mean_over_frames": cube.mean(dim=2),
        "cube_mean_over_joints": cube.mean(dim=3),
        "cube_first_frame": cube[:, :, 0],
    }
    for name, value in found.items():
        expected = arrays[f"output/{name}"]
        _near(value, expected, meta["tolerance"]["relative_to_max_abs"] * np.abs(expected).max())


def _along_joints(positions: Tensor, _: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
    """Official positions along the joints, next to nothing when trained and unknown to our encoder; not so here."""
    return (shift_frames(inputs[0].transpose(1, 2), positions).transpose(1, 2),)


def _near(found: Tensor, expected: Any, limit: float) -> None:
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=0, atol=limit)


CHECKS = {"zeroshot_neuron_match": check_matching, "zeroshot_neuron_encoder": check_encoder}
