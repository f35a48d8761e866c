# SPDX-License-Identifier: Apache-2.0
"""The ways to run a network give its numbers, or say why they cannot."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from bonefide.benchmark import variants
from bonefide.benchmark.speed import measure_speed
from bonefide.benchmark.variants import VARIANTS, Prepared, Subject, chosen_variants, prepared
from bonefide.encoders.ctrgcn import CTRGCN
from bonefide.errors import InstallationError, UnknownNameError
from bonefide.layouts import layout
from bonefide.methods.supervised import Supervised
from bonefide.types import Batch


@pytest.fixture
def subject() -> Subject:
    method = Supervised(CTRGCN(layout("ucla20"), 3, persons=1, base_channels=8), num_classes=10)
    batch = Batch(torch.randn(2, 3, 8, 20, 1), torch.tensor([0, 1]), torch.arange(2))
    return Subject("small", method, batch, layout("ucla20"))


def test_names_are_chosen_in_order() -> None:
    assert chosen_variants(",".join(VARIANTS)) == VARIANTS
    assert chosen_variants("bf16") == ("eager", "bf16")
    with pytest.raises(UnknownNameError, match="did you mean 'compiled'"):
        chosen_variants("eager,compild")


def test_what_is_missing_is_a_cell(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(network: Any) -> bytes:
        raise InstallationError("ONNX needs onnx")

    monkeypatch.setattr(variants, "onnx_bytes", lacking)
    rows = measure_speed([subject], rounds=1, variants=("eager", "bf16", "onnx")).facts()["rows"]
    assert [row["variant"] for row in rows] == ["eager", "bf16", "onnx not available: ONNX needs onnx"]
    assert rows[2]["forward_ms"] is None
    assert rows[0]["forward_gain"] == rows[0]["train_gain"] == 1
    assert rows[1]["forward_gain"] == pytest.approx(rows[0]["forward_cpu_ms"] / rows[1]["forward_cpu_ms"])


def test_bf16_computes_in_bf16(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(Subject, "forward", lambda self, samples=None: seen.append(torch.is_autocast_enabled("cpu")))
    for how in ("eager", "bf16"):
        assert isinstance(prepared(subject, how, device="cpu"), Prepared)
    assert seen == [False, False, True, True]


def test_only_the_first_person_is_left(subject: Subject) -> None:
    assert subject.alone() is None
    method = Supervised(CTRGCN(layout("ucla20"), 3, persons=2, base_channels=8), num_classes=10)
    two = Subject("two", method, subject.batch._replace(clip=torch.ones(2, 3, 8, 20, 2)), layout("ucla20"))
    alone = two.alone()
    assert alone is not None
    assert (alone.batch.clip[..., 0].min(), alone.batch.clip[..., 1].max(), two.batch.clip.min()) == (1, 0, 1)
    (row,) = measure_speed([two], rounds=1).facts()["rows"]
    assert row["alone_ms"] > 0


def test_a_compiler_is_used_for_the_encoder(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(CTRGCN, "compile", lambda self, **options: asked.append(options))
    assert isinstance(prepared(subject, "compiled", device="cpu"), Prepared)
    assert asked == [{"fullgraph": True, "dynamic": False}] * 2


@pytest.mark.slow
def test_onnx_is_measured_forward_only(subject: Subject) -> None:
    pytest.importorskip("onnxruntime")
    _, exact, rounded = measure_speed([subject], rounds=1, variants=("eager", "onnx", "onnx_int8")).facts()["rows"]
    assert exact["train_ms"] is rounded["train_ms"] is None
    assert exact["forward_gain"] > 0
    # Its layers are so narrow that some are quantised, or none and it says so.
    assert rounded["variant"] == "onnx_int8" or "none of its layers" in rounded["variant"]
    assert "not on cuda" in str(prepared(subject, "onnx", device="cuda"))


def test_integers_are_calibrated_on_the_clips_of_the_batch(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    given = []

    def exported(network: Any, target: str = "floats") -> bytes:
        return target.encode()

    def quantised(content: bytes, batches: Any) -> bytes:
        given.extend(batches)
        return b"rounded " + content

    def inference(content: bytes, *, threads: int) -> Any:
        return lambda clip: (content, len(clip), threads)

    monkeypatch.setattr(variants, "onnx_bytes", exported)
    monkeypatch.setattr(variants, "int8_bytes", quantised)
    monkeypatch.setattr(variants, "onnx_inference", inference)
    found = [prepared(subject, how, device="cpu") for how in ("onnx", "onnx_int8")]
    assert all(isinstance(each, Prepared) for each in found)
    threads = torch.get_num_threads()
    assert [each.forward() for each in found] == [(b"floats", 2, threads), (b"rounded integers", 2, threads)]  # type: ignore[union-attr]
    assert found[1].latency() == (b"rounded integers", 1, threads)  # type: ignore[union-attr]
    assert torch.equal(given[0][0], subject.batch.clip)
