# SPDX-License-Identifier: Apache-2.0
"""Every encoder can be compiled whole and exported, for batches of any size and all lengths it takes."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from test_encoders import CLIPS, FRAMES, PERSONS, build, clips, encode, settled

from bonefide import layouts
from bonefide.config.build import method
from bonefide.serving.capture import capture
from bonefide.serving.network import Network
from bonefide.serving.onnx import export_onnx
from bonefide.serving.program import export_program

SLOW = set(CLIPS) - {"stgcn", "hcn"}
"""Capturing these takes long."""

every = pytest.mark.parametrize("name", CLIPS)


@pytest.fixture(autouse=True)
def _seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    torch.compiler.reset()
    # The encoders here are narrow.
    monkeypatch.setattr("bonefide.layers.portable_conv._LEAST_CHANNELS", 0)


def network(name: str, *, persons: int = PERSONS, frames: int = FRAMES) -> Network:
    made = method("supervised", encoder=settled(name, persons=persons, frames=frames), num_classes=7)
    torch.nn.init.normal_(made.head.weight, 0, 0.1)
    return Network(made, layouts.layout("ucla20"), 3, frames, persons, {})


def check_step(name: str, backend: str) -> None:
    """A training step compiled without a break gives the gradients of one that is not."""
    encoder, clip = build(name).double().train(), clips(4).double()
    for module in encoder.modules():
        # What is drawn at random would not be drawn alike.
        if "Drop" in type(module).__name__:
            module.eval()
        if hasattr(module, "share"):
            module.share = 0.0  # of activations dropped, in ST-GCN's blocks
    gradients = []
    for forward in (encoder, torch.compile(encoder, fullgraph=True, backend=backend)):
        encoder.zero_grad()
        features = pooled(forward, encoder, clip)
        (features * torch.linspace(-1, 1, features.shape[1])).sum().backward()
        gradients.append({key: each.grad.clone() for key, each in encoder.named_parameters() if each.grad is not None})
    eager, compiled = gradients
    assert eager.keys() == compiled.keys()
    whole = torch.stack([each.norm() for each in eager.values()]).norm()
    apart = torch.stack([(compiled[key] - each).norm() for key, each in eager.items()]).norm()
    assert apart < 1e-10 * whole


@every
def test_the_forward_pass_is_one_graph(name: str) -> None:
    encoder = settled(name)
    compiled = torch.compile(encoder, fullgraph=True, backend="eager")
    with torch.inference_mode():
        for count in (2, 3):
            clip = clips(count)
            expected, got = encode(encoder, clip).pooled, pooled(compiled, encoder, clip)
            assert (got - expected).norm() < 1e-4 * expected.norm()


def pooled(forward: Any, encoder: Any, clip: torch.Tensor) -> torch.Tensor:
    return forward(clip, clip if encoder.needs_joints else None).pooled


@pytest.mark.slow
@every
def test_a_training_step_is_one_graph(name: str) -> None:
    check_step(name, "aot_eager")


@pytest.mark.slow
@every
def test_inductor_compiles_a_training_step(name: str) -> None:
    check_step(name, "inductor")


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in CLIPS])
def test_a_program_of_any_batch_and_length_agrees(name: str, tmp_path: Path) -> None:
    given = network(name)
    found = export_program(given, tmp_path / "net.pt2")
    assert len({each.samples for each in found}) > 1
    assert len({each.frames for each in found}) > 1 or not given.lengths.step


@pytest.mark.parametrize("name", ["agcn", "hcn", "stgcn"])
def test_the_form_for_onnx_runtime_is_equal(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked without an exporter, which takes long."""
    encoder = settled(name).double()
    for frames in (FRAMES,) if name == "hcn" else (1, 5, 16, 37):
        clip = clips(3, frames=frames).double()
        clip[1:, ..., 1] = 0
        with monkeypatch.context() as patched, torch.inference_mode():
            plain = encode(encoder, clip)
            asked: list[str] = []
            place = "encoders.hcn" if name == "hcn" else "layers.portable_conv"
            patched.setattr(f"bonefide.{place}.export_target", lambda asked=asked: asked.append("") or "floats")
            portable = encode(encoder, clip)
        assert asked
        for ours, theirs in zip(portable, plain, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(("target", "leaves_out"), [("compiler", False), ("floats", True), ("integers", True)])
def test_only_onnx_runtime_gets_shapes_that_depend_on_values(target: Any, leaves_out: bool) -> None:
    captured = capture(network("hcn"), target)
    assert any(node.target == torch.ops.aten.nonzero.default for node in captured.graph.nodes) == leaves_out


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name != "stgcn")) for name in CLIPS])
def test_networks_of_one_person_are_captured_for_any_length(name: str) -> None:
    """Of 52 frames ST-GCN and 2s-AGCN have one tile in their last blocks, of others more or fewer."""
    frames = 64 if name in {"hcn", "masked_transformer"} else 52
    for target in ("floats", "integers"):
        capture(network(name, persons=1, frames=frames), target)


@pytest.mark.slow
@every
def test_onnx_of_any_batch_and_length_agrees(name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("onnxruntime")
    found = export_onnx(network(name), tmp_path / "net.onnx")
    assert not [each for each in caplog.records if each.levelno >= logging.WARNING], "the exporter talks to itself"
    assert max(each.error for each in found) < 1e-5
