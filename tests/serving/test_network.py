# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bonefide import layouts
from bonefide.config.build import method
from bonefide.config.components import create
from bonefide.config.recipe import Component
from bonefide.serving.network import Network
from bonefide.serving.onnx import export_onnx, onnx_bytes, onnx_inference
from bonefide.serving.program import export_program

IMAGES = ("gd", "fdd")


@pytest.fixture
def network() -> Network:
    torch.manual_seed(0)
    encoder = create(
        "encoders", Component(name="descriptor_resnet", base_width=2), {"images": IMAGES, "in_channels": 3}
    )
    made = method("descriptor_fusion", encoder=encoder, num_classes=7, options={"images": IMAGES})
    return Network(made, layouts.layout("ucla20"), 3, 32, 1, {}, IMAGES)


def test_images_are_one_input_of_one_size(network: Network) -> None:
    (images,) = network.inputs(2, network.frames)
    assert images.shape == (2, 2, 3, 32, 32)
    assert images.dtype == torch.float32
    assert 0 <= images.min() < 10
    assert 245 < images.max() <= 255
    assert network.lengths.some(32) == (32,)
    facts = network.described()
    assert (facts["images"], facts["lengths"]) == ('["gd", "fdd"]', "images of 32 x 32 pixels")


def test_networks_of_images_are_exported_for_any_batch(network: Network, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    found = [export_onnx(network, tmp_path / "net.onnx"), export_program(network, tmp_path / "net.pt2")]
    assert all(len({each.samples for each in agreements}) > 1 for agreements in found)
    inputs = network.inputs(4, 32, seed=9)
    with torch.inference_mode():
        expected = network.logits(*inputs).numpy()
    np.testing.assert_allclose(onnx_inference(onnx_bytes(network))(*inputs).numpy(), expected, rtol=1e-3, atol=1e-4)
