# SPDX-License-Identifier: Apache-2.0
"""An int8 file is smaller, keeps what is free and what is said, and decides as the network it was made of."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bonefide.errors import BonefideError, InstallationError, OutputError
from bonefide.layouts import layout
from bonefide.methods.supervised import Supervised
from bonefide.serving.calibration import Calibration
from bonefide.serving.int8 import export_int8, int8_bytes
from bonefide.serving.network import Network
from bonefide.serving.onnx import onnx_bytes, onnx_inference
from bonefide.types import Batch, Features

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
CLASSES, FRAMES, JOINTS = 4, 12, 20


class Small(nn.Module):
    """Two convolutions over frames, the first of them cheap, and an adjacency."""

    needs_joints = False
    map_axis = "joint"

    def __init__(self, width: int = 128) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, 8, 1)
        self.norm = nn.BatchNorm2d(8)
        self.mix = nn.Conv2d(8, width, (3, 1), padding=(1, 0))
        self.register_buffer("adjacency", torch.eye(JOINTS) * 0.9 + 0.1 / JOINTS)
        self.out_channels = width

    def map_size(self, frames: int) -> tuple[int, int, int]:
        return self.out_channels, frames, JOINTS

    def forward(self, clip: Tensor, joints: Tensor | None = None) -> Features:
        folded = torch.matmul(clip.squeeze(4), self.adjacency)
        mixed = torch.relu(self.mix(torch.relu(self.norm(self.embed(folded)))))
        return Features(mixed[:, None], mixed.mean(dim=(2, 3)))


def _clips(count: int, frames: int, seed: int) -> tuple[Tensor, Tensor]:
    """The class is how fast the joints rise; by little, beside the noise."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % CLASSES
    clips = torch.randn(count, 3, frames, JOINTS, 1, generator=generator)
    clips[:, 1] += (labels[:, None] - 1.5)[..., None, None] * 0.3
    return clips, labels


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(0)
    method = Supervised(Small(), num_classes=CLASSES)
    clips, labels = _clips(64, FRAMES, 1)
    optimizer = torch.optim.Adam(method.parameters(), lr=0.02)
    for _ in range(60):
        optimizer.zero_grad()
        sum(method.losses(Batch(clips, labels, torch.arange(64))).values()).backward()  # type: ignore[union-attr]
        optimizer.step()
    return Network(method, layout("ucla20"), 3, FRAMES, 1, {"classes": json.dumps(list("abcd"))})


@pytest.fixture(scope="module")
def exact(network: Network) -> bytes:
    return onnx_bytes(network)


@pytest.fixture(scope="module")
def rounded(exact: bytes) -> bytes:
    return int8_bytes(exact, [(_clips(32, FRAMES, seed)[0],) for seed in (2, 3)])


def _weights(content: bytes) -> dict[tuple[int, ...], Any]:
    graph = onnx.load_from_string(content).graph
    return {tuple(each.dims): onnx.numpy_helper.to_array(each) for each in graph.initializer if len(each.dims) > 1}


def test_it_is_smaller_and_of_integers_where_that_pays(exact: bytes, rounded: bytes) -> None:
    assert len(rounded) < 0.8 * len(exact)
    weights = _weights(rounded)
    mixing = weights[128, 8, 3, 1]
    assert mixing.dtype == "int8"
    # Seven bits, of which each channel uses all.
    assert abs(mixing.astype(int)).max(axis=(1, 2, 3)).tolist() == [64] * 128
    dtypes = {shape: each.dtype.name for shape, each in weights.items()}
    assert dtypes[8, 3, 1, 1] == dtypes[JOINTS, JOINTS] == dtypes[CLASSES, 128] == "float32"


@pytest.mark.parametrize(("samples", "frames"), [(1, 12), (40, 12), (7, 5), (3, 31)])
def test_it_decides_as_the_network_for_any_size(network: Network, rounded: bytes, samples: int, frames: int) -> None:
    clips, labels = _clips(samples, frames, 9)
    with torch.inference_mode():
        expected = network.logits(clips)
    got = onnx_inference(rounded)(clips)
    assert 0 < float((got - expected).abs().max() / expected.abs().max()) < 0.05
    assert torch.equal(got.argmax(dim=1), expected.argmax(dim=1))
    assert (got.argmax(dim=1) == labels).float().mean() > 0.9


def test_what_is_said_is_kept_and_nothing_lies_around(
    exact: bytes, rounded: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def facts(content: bytes) -> dict[str, str]:
        return {each.key: each.value for each in onnx.load_from_string(content).metadata_props}

    assert facts(rounded) == facts(exact)
    assert facts(exact)["precision"] == "float32"
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    # The same clips give the same file.
    assert int8_bytes(exact, [(_clips(32, FRAMES, seed)[0],) for seed in (2, 3)]) == rounded
    assert not list(tmp_path.iterdir())
    assert capfd.readouterr() == ("", "")


def test_what_cannot_be_quantised_is_told(exact: bytes) -> None:
    with pytest.raises(BonefideError, match="cannot be quantised: No data is collected"):
        int8_bytes(exact, [])
    narrow = Network(Supervised(Small(8), num_classes=CLASSES), layout("ucla20"), 3, FRAMES, 1, {})
    with pytest.raises(BonefideError, match="none of its layers would be faster; export it in float32"):
        int8_bytes(onnx_bytes(narrow), [narrow.inputs(2, FRAMES)])


def test_a_file_is_written_and_compared_on_other_sequences(network: Network, tmp_path: Path) -> None:
    measured, held = ([(_clips(16, FRAMES, seed)[0],)] for seed in (2, 5))
    file = tmp_path / "net.onnx"
    found = export_int8(network, file, Calibration(measured, held, 16))
    assert (found.sequences, found.alike) == (16, 1.0)
    content = file.read_bytes()
    with torch.inference_mode():
        expected = network.logits(*held[0])
    assert found.error == pytest.approx(
        float((onnx_inference(content)(*held[0]) - expected).abs().max() / expected.abs().max())
    )
    facts = {each.key: each.value for each in onnx.load_from_string(content).metadata_props}
    assert (facts["precision"], facts["calibration_sequences"], facts["classes"]) == (
        "int8",
        "16",
        '["a", "b", "c", "d"]',
    )
    with pytest.raises(OutputError, match="already there; give --overwrite"):
        export_int8(network, file, Calibration(measured, held, 16))


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime.quantization", None)
    with pytest.raises(InstallationError, match=r'pip install "bonefide\[export\]"'):
        int8_bytes(b"", [])
