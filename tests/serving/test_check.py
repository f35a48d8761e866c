# SPDX-License-Identifier: Apache-2.0
"""A network that says something else is not written."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from bonefide.encoders.ctrgcn import CTRGCN
from bonefide.errors import BonefideError, InstallationError, OutputError, ShapeError
from bonefide.layouts import layout
from bonefide.methods._method import Method
from bonefide.methods.supervised import Supervised
from bonefide.serving.check import check
from bonefide.serving.network import Logits, Network
from bonefide.serving.onnx import export_onnx, onnx_bytes
from bonefide.serving.program import export_program
from bonefide.types import Batch, Outputs


@pytest.fixture
def network() -> Network:
    torch.manual_seed(0)
    made = Supervised(CTRGCN(layout("ucla20"), 3, persons=1, base_channels=8), num_classes=5)
    return Network(made, layout("ucla20"), 3, 12, 1, {"classes": json.dumps(list("abcde"))})


def test_agreement_is_measured_in_the_largest_logit(network: Network) -> None:
    def louder(clip: Tensor) -> Tensor:
        return network.logits(clip) * (1 + 5e-5)

    found = check(network, louder)
    assert [each.frames for each in found] == [12, 5, 13]
    assert len({each.samples for each in found}) == 3
    assert all(each.error == pytest.approx(5e-5, rel=0.05) for each in found)


@pytest.mark.parametrize("change", [lambda logits: logits * 1.01, lambda logits: logits[:1] * torch.nan])
def test_what_differs_is_refused(network: Network, change) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BonefideError, match="differs from the network by"):
        check(network, lambda clip: change(network.logits(clip)))


def test_the_method_is_left_as_it_was(network: Network) -> None:
    network.method.train()
    clip = network.inputs(2, 12)[0]
    assert torch.equal(network.logits(clip), network.logits(clip))
    assert network.method.training
    assert all(each.requires_grad for each in network.method.parameters())


def test_facts_travel(network: Network) -> None:
    facts = network.described()
    assert json.loads(facts["classes"]) == list("abcde")
    assert (facts["layout"], facts["frames"], facts["persons"], facts["channels"]) == ("ucla20", "12", "1", "3")
    assert facts["lengths"] == "any number of frames, at least 5"
    assert json.loads(facts["joints"]) == list(layout("ucla20").joints)


def test_a_method_without_logits_is_refused(network: Network) -> None:
    class Silent(Method):
        def outputs(self, batch: Batch) -> Outputs:
            return Outputs()

    with pytest.raises(ShapeError, match="Silent has no logits"):
        Logits(Silent())(network.inputs(1, 12)[0])


def test_what_cannot_be_captured_is_told(network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def looks(self: CTRGCN, clip: Tensor, joints: Tensor | None = None) -> Tensor:
        return clip if clip.sum().item() > 0 else -clip

    monkeypatch.setattr(CTRGCN, "forward", looks)
    with pytest.raises(BonefideError, match="CTRGCN cannot be captured"):
        export_program(network, tmp_path / "net.pt2")
    assert not list(tmp_path.iterdir())


def test_nothing_is_replaced_unasked(network: Network, tmp_path: Path) -> None:
    there = tmp_path / "net"
    there.write_text("mine")
    for write in (export_onnx, export_program):
        with pytest.raises(OutputError, match="already there"):
            write(network, there)
    assert there.read_text() == "mine"


def test_a_missing_extra_is_named(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(InstallationError, match=r'ONNX needs onnxscript: pip install "bonefide\[export\]"'):
        onnx_bytes(network)
