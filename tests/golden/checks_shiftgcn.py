# SPDX-License-Identifier: Apache-2.0
"""Shift-GCN against the official network and kernel; the released weights where they are at hand."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fixture import Fixture
from torch import Tensor
from weights_rule import weights_by_rule

from bonefide.conversion import convert, shiftgcn
from bonefide.encoders._temporal_shift import ShiftGradient, shift_frames
from bonefide.encoders.shiftgcn import ShiftGCN
from bonefide.layers.joint_shift import joint_shift
from bonefide.layouts import layout
from bonefide.methods.supervised import Supervised

_LAYOUTS = {"ntu": "ntu25", "ucla": "ucla20"}
_NOTHING: dict[str, Any] = {"keys": ()}
_BEYOND = 1e-4
"""Share of the largest raw derivative below which its sign is decided by the order of sums."""


def official_weights(meta: dict[str, Any]) -> dict[str, Tensor]:
    """By the weights rule, with the exceptions of Shift-GCN."""
    kept = dict.fromkeys(meta.get("kept_initial", _NOTHING)["keys"], np.zeros_like)
    special = dict.fromkeys(meta.get("special_fill", _NOTHING)["keys"], lambda wave: 6 * wave)
    state = weights_by_rule(meta["state_dict"], special=special | kept)
    for key in meta["constant_buffers"]:
        block = key.split(".")[0]
        channels = state[f"{block}.gcn1.Linear_weight"].shape[1 if key.endswith("out") else 0]
        state[key] = joint_shift(state[key].numel() // channels, channels, back=key.endswith("out"))
    return state


def _built(meta: dict[str, Any], clip: Tensor, state: dict[str, Tensor], gradient: ShiftGradient) -> Supervised:
    encoder = ShiftGCN(
        layout(_LAYOUTS[meta["dataset_shape"]]), clip.shape[1], persons=clip.shape[-1], shift_gradient=gradient
    )
    method = Supervised(encoder, len(state["fc.bias"]))
    method.load_state_dict(shiftgcn.ShiftGCN().from_official(state), strict=True)
    return method.eval()


def _map_stride(text: str) -> int:
    """Every how many channels were stored, from words like `[:, ::8]`."""
    return int(re.search(r"::(\d+)\]", text)[1])


def _error(name: str, ours: Tensor, expected: np.ndarray) -> float:
    found = ours.detach().numpy()
    if name.startswith("grad"):
        return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def _gradients(method: Supervised) -> dict[str, Tensor]:
    """By official name."""
    ours = method.state_dict() | {name: each.grad for name, each in method.named_parameters()}
    return shiftgcn.ShiftGCN().to_official(ours)


def check_shiftgcn(fixture: Fixture) -> None:
    meta, arrays = fixture.meta, fixture.arrays
    state = official_weights(meta)
    clip = torch.tensor(arrays["input/x"], requires_grad=True)
    method = _built(meta, clip, state, "sign")
    back = shiftgcn.ShiftGCN().to_official(method.state_dict())
    assert back.keys() == state.keys() - set(shiftgcn.ShiftGCN.ignored)
    assert all(torch.equal(back[key], state[key]) for key in back)
    features = method.encoder(clip)
    logits = method.head(features.pooled)
    (logits * torch.cos(0.2 * torch.arange(logits.numel()).view_as(logits))).sum().backward()
    stride = {name: _map_stride(text) for name, text in meta["map_stride"].items()}
    found = {
        "logits": logits,
        "pooled": features.pooled,
        "map": features.map.flatten(0, 1)[:, :: stride["map"]],
        "cube": features.map.mean(1)[:, :: stride.get("cube", 1)],
        "grad_x": clip.grad,
    } | {f"grad/{key}": grad for key, grad in _gradients(method).items()}
    for name, tolerance in meta["tolerance"]["tol"].items():
        error = _error(name, found[name], arrays[f"output/{name}"])
        assert error <= tolerance, f"{name}: relative error {error:.2e} > {tolerance:.0e}"
    if positions := [name for name in arrays if name.endswith(".ypos")]:
        raw = _raw_gradients(_built(meta, clip, state, "true"), clip.detach())
        for name in positions:
            key = name.removeprefix("output/grad/")
            block, _, shift, _ = key.split(".")
            _check_positions(
                found[f"grad/{key}"].numpy(),
                raw[key].numpy() / (len(clip) * clip.shape[-1]),
                arrays[name],
                arrays[f"output/ypos_grad_raw_{block}_{shift}"],
            )


def _raw_gradients(method: Supervised, clip: Tensor) -> dict[str, Tensor]:
    logits = method.head(method.encoder(clip).pooled)
    (logits * torch.cos(0.2 * torch.arange(logits.numel()).view_as(logits))).sum().backward()
    return _gradients(method)


def _check_positions(ours: np.ndarray, raw: np.ndarray, expected: np.ndarray, expected_raw: np.ndarray) -> None:
    largest = np.abs(expected_raw).max()
    clear = np.abs(expected_raw) > _BEYOND * largest
    assert clear.mean() > 0.5
    np.testing.assert_array_equal(ours[clear], expected[clear])
    np.testing.assert_allclose(raw, expected_raw, rtol=0, atol=_BEYOND * largest)


def check_operator(fixture: Fixture) -> None:
    meta, arrays = fixture.meta, {key.split("/")[1]: torch.tensor(fixture.arrays[key]) for key in fixture.arrays}
    expected = {key: torch.tensor(fixture.arrays[f"output/{key}"]) for key in ("y", "grad_x", "grad_ypos")}
    expected["raw"] = torch.tensor(fixture.arrays["output/grad_ypos_raw"])
    x, stride = torch.tensor(fixture.arrays["input/x"]), meta["stride"]
    ypos, xpos, grad = (arrays[name] for name in ("ypos", "xpos", "grad_y"))
    for gradient, name in (("sign", "grad_ypos"), ("true", "raw")):
        clip, position = x.clone().requires_grad_(), ypos.clone().requires_grad_()
        # Bilinear interpolation is linear along the joints, then along time; the official shift does both at once.
        along = _along_joints(clip, xpos)
        moved = position if stride == 1 else position + 0.5
        y = shift_frames(along.permute(0, 2, 3, 1), moved, stride=stride, gradient=gradient).permute(0, 3, 1, 2)
        y.backward(grad)
        np.testing.assert_allclose(y.detach(), expected["y"], rtol=0, atol=1e-6)
        np.testing.assert_allclose(clip.grad, expected["grad_x"], rtol=0, atol=1e-6)
        ours = position.grad if gradient == "sign" else position.grad / len(x)
        clear = expected["raw"].abs() > 1e-5
        if gradient == "sign":
            assert torch.equal(ours[clear], expected[name][clear])
            dead = expected["raw"] == 0
            assert torch.equal(ours[dead], expected[name][dead])
        else:
            np.testing.assert_allclose(ours, expected[name], rtol=0, atol=1e-4)
        with torch.inference_mode():
            plain = shift_frames(_along_joints(x, xpos).permute(0, 2, 3, 1), moved.detach(), stride=stride)
            assert torch.equal(plain.permute(0, 3, 1, 2), y.detach())


def _along_joints(clip: Tensor, xpos: Tensor) -> Tensor:
    """The same operator with joints in the place of frames."""
    if not xpos.any():
        return clip
    return shift_frames(clip.permute(0, 3, 2, 1), xpos, gradient="true").permute(0, 3, 2, 1)


def check_released(fixture: Fixture) -> None:
    """Outputs of released weights, which may not be passed on: fixture and weights are read where they lie."""
    meta, arrays = fixture.meta, fixture.arrays
    file = fixture.real_archive("shiftgcn") / Path(meta["file"].split()[0]).name
    assert hashlib.sha256(file.read_bytes()).hexdigest() == meta["sha256"]
    weights = convert("shiftgcn", file)
    clip = torch.tensor(arrays["input/x"])
    method = Supervised(ShiftGCN(layout("ntu25"), 3), len(weights["head.bias"]))
    method.load_state_dict(weights, strict=True)
    with torch.inference_mode():
        features = method.eval().encoder(clip)
        found = {
            "logits": method.head(features.pooled),
            "pooled": features.pooled,
            "map": features.map.flatten(0, 1)[:, :: _map_stride(meta["map_stride"])],
        }
    for name, ours in found.items():
        error = _error(name, ours, arrays[f"output/{name}"])
        assert error <= 1e-4, f"{name}: relative error {error:.2e} > 1e-4"


CHECKS = {
    "encoders_shiftgcn": check_shiftgcn,
    "encoders_shiftgcn_official_ckpt": check_released,
    "encoders_shiftop": check_operator,
}
