# SPDX-License-Identifier: Apache-2.0
"""ONNX files that compute in eight-bit integers where that pays."""

from __future__ import annotations

import logging
import math
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from bonefide.errors import BonefideError, OutputError
from bonefide.serving._extra import needed
from bonefide.serving.calibration import Calibration
from bonefide.serving.check import Likeness, check, likeness
from bonefide.serving.network import Network
from bonefide.serving.onnx import onnx_bytes, onnx_inference
from bonefide.writing import write_file

__all__ = ["export_int8", "int8_bytes"]

_LAYERS = ("Conv", "MatMul", "Gemm")
_LEAST_WORK = 16.0
"""Multiply-adds for each number read or written, below which a layer loses more by rounding than it gains."""


def export_int8(network: Network, file: Path, measured_with: Calibration, *, overwrite: bool = False) -> Likeness:
    """Write a network as an ONNX file that computes in eight-bit integers where that pays; see `int8_bytes`.

    Inputs, output and metadata are those of `export_onnx`, `precision` and `calibration_sequences` with them. The
    float32 file it is made of must say what the network says; how far rounding changes that is told, not judged.

    Args:
        network: what to export.
        file: where to.
        measured_with: sequences to measure ranges with, and others to compare on.
        overwrite: replace a file that is already there.

    Returns:
        How the written file compares with the network.

    Raises:
        InstallationError: if the extra is not installed.
        OutputError: if the file is there, or cannot be written.
        BonefideError: if the network cannot be captured or quantised, or its float32 file does not agree with it.
    """
    needed("onnx", "onnxscript", "onnxruntime.quantization")
    if file.exists() and not overwrite:
        raise OutputError(f"{file} is already there; give --overwrite to replace it")
    exact = onnx_bytes(replace(network, facts=network.facts | measured_with.facts), "integers")
    check(network, onnx_inference(exact), what="ONNX Runtime")
    content = int8_bytes(exact, measured_with.measured)
    found = likeness(network, onnx_inference(content), measured_with.held)
    write_file(file, content)
    return found


def int8_bytes(content: bytes, batches: Iterable[Sequence[Tensor]]) -> bytes:
    """Quantise an ONNX file.

    Convolutions and products with learned matrices compute in integers: one scale for each channel a convolution
    writes, one for each matrix, one for all that is read and one for all that is written; the last two from the
    smallest and the largest value seen while the given clips pass. All else stays float32. Adjacencies, attention, sums
    and the classifier lost accuracy in measurements and won no time; so did layers that compute little for each number
    they read.

    Activations are unsigned with a zero point, which makes a ReLU a matter of scale. Weights are signed and keep to
    seven bits: processors without VNNI add pairs of products in sixteen bits, which eight-bit weights overflow
    unnoticed (2 x 255 x 127) and seven-bit ones cannot (2 x 255 x 64). So a file says the same everywhere; logits
    differed no more from those of float32 without the bit.

    Args:
        content: of a float32 file, as `onnx_bytes` makes it for integers; metadata, inputs and free axes are kept.
        batches: inputs to measure ranges with, each in the order of the file's inputs: training sequences as they are
            seen in tests, a hundred or so.

    Raises:
        InstallationError: if the extra is not installed.
        BonefideError: if there are no batches, nothing is worth quantising, or ONNX Runtime cannot quantise it.
    """
    onnx, quantization = needed("onnx", "onnxruntime.quantization")
    given = onnx.load_from_string(content)
    reader = _Reader([each.name for each in given.graph.input], batches)
    with tempfile.TemporaryDirectory() as folder, _quiet():
        exact, simplified, rounded = (Path(folder) / f"{name}.onnx" for name in ("exact", "simplified", "rounded"))
        exact.write_bytes(content)
        try:
            # Norms go into convolutions. Shapes need not be known as symbols, which takes long and fails for some.
            quantization.quant_pre_process(exact, simplified, skip_symbolic_shape=True)
            chosen = _worthwhile(onnx.load(simplified).graph)
            quantization.quantize_static(simplified, rounded, reader, **_options(quantization, chosen))
        except Exception as error:
            first = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise BonefideError(f"the network cannot be quantised: {first}") from error
        made = onnx.load(rounded)
    del made.metadata_props[:]
    made.metadata_props.extend(given.metadata_props)
    return bytes(made.SerializeToString())


class _Reader:
    """Batches as ONNX Runtime asks for them."""

    def __init__(self, names: Sequence[str], batches: Iterable[Sequence[Tensor]]) -> None:
        self._names, self._batches = names, iter(batches)

    def get_next(self) -> dict[str, Any] | None:
        batch = next(self._batches, None)
        return None if batch is None else {name: each.numpy() for name, each in zip(self._names, batch, strict=True)}


def _worthwhile(graph: Any) -> list[Any]:
    """Nodes to quantise, in no order."""
    weights = {each.name: tuple(each.dims) for each in graph.initializer}
    last = {each.name for each in graph.output}
    found = [
        node
        for node in graph.node
        if node.op_type in _LAYERS and node.input[1] in weights and last.isdisjoint(node.output)
        if _work(node, weights[node.input[1]]) >= _LEAST_WORK
    ]
    if not found:
        raise ValueError("none of its layers would be faster; export it in float32")
    written = {name for node in found for name in node.output}
    # Together with its ReLU a layer writes nothing negative, so that its scale is finer.
    return found + [node for node in graph.node if node.op_type == "Relu" and node.input[0] in written]


def _work(node: Any, weights: tuple[int, ...]) -> float:
    """Multiply-adds for each number that is read or written, at one place of a map."""
    if node.op_type != "Conv":
        # Which of the two axes is read does not matter; axes before them are places.
        return math.prod(weights[-2:]) / sum(weights[-2:])
    groups = next((each.i for each in node.attribute if each.name == "group"), 1)
    return math.prod(weights) / (weights[0] + weights[1] * groups)


def _options(quantization: Any, chosen: Sequence[Any]) -> dict[str, Any]:
    # The runtime has products of matrices with one scale only.
    one_scale = [{"quant_type": quantization.QuantType.QInt8, "reduce_range": True}]
    return {
        "quant_format": quantization.QuantFormat.QDQ,
        "activation_type": quantization.QuantType.QUInt8,
        "weight_type": quantization.QuantType.QInt8,
        "per_channel": True,
        "reduce_range": True,
        "op_types_to_quantize": [*_LAYERS, "Relu"],
        "nodes_to_quantize": [node.name for node in chosen],
        "extra_options": {
            "TensorQuantOverrides": {node.input[1]: one_scale for node in chosen if node.op_type == "MatMul"}
        },
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """The quantiser tells its progress."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
