# SPDX-License-Identifier: Apache-2.0
"""A network as an ONNX file, and its inference by ONNX Runtime."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from bonefide.errors import BonefideError, OutputError
from bonefide.serving._extra import needed
from bonefide.serving._rewriting import rewrite
from bonefide.serving.capture import capture
from bonefide.serving.check import Agreement, check
from bonefide.serving.network import Network
from bonefide.writing import write_file

__all__ = ["export_onnx", "onnx_bytes", "onnx_inference"]


def export_onnx(network: Network, file: Path, *, overwrite: bool = False) -> list[Agreement]:
    """Write an ONNX file once ONNX Runtime, on the CPU, says by it what the network says.

    Inputs are `clip` (N, C, T, V, M), and `joints` (N, 3, T, V, M) if the encoder wants raw coordinates; networks that
    see images have them (N, I, C, H, W) as `clip`. The output is `logits` (N, K). N is free, and T as far as the
    encoder leaves it free. Class names, layout, preparation and more are in the file's metadata.

    Args:
        network: what to export.
        file: where to.
        overwrite: replace a file that is already there.

    Returns:
        How well they agree.

    Raises:
        InstallationError: if the extra is not installed.
        OutputError: if the file is there, or cannot be written.
        BonefideError: if the network cannot be captured, or they do not agree.
    """
    needed("onnx", "onnxscript", "onnxruntime")
    if file.exists() and not overwrite:
        raise OutputError(f"{file} is already there; give --overwrite to replace it")
    content = onnx_bytes(network)
    found = check(network, onnx_inference(content), what="ONNX Runtime")
    write_file(file, content)
    return found


def onnx_bytes(network: Network, target: Literal["floats", "integers"] = "floats") -> bytes:
    """The content of an ONNX file, in float32.

    Args:
        network: what to export.
        target: whether it will be computed as it is, or is to be quantised (`int8_bytes`): integers want plain
            convolutions, floats have long ones faster in tiles.

    Raises:
        InstallationError: if the extra is not installed.
        BonefideError: if the network cannot be captured or translated.
    """
    needed("onnx", "onnxscript")
    captured = capture(network, target)
    with _quiet():
        program = rewrite(captured)
        try:
            made = torch.onnx.export(
                program, dynamo=True, verbose=False, input_names=list(network.input_names), output_names=["logits"]
            )
        except Exception as error:
            first = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise BonefideError(f"the network cannot be translated to ONNX: {first}") from error
    if made is None:
        raise BonefideError("torch.onnx gave nothing back; install a newer torch")
    made.model.metadata_props.update(network.described())
    return bytes(made.model_proto.SerializeToString())


def onnx_inference(content: bytes, *, threads: int = 0) -> Callable[..., Tensor]:
    """From inputs to logits by ONNX Runtime on the CPU.

    Args:
        content: of an ONNX file.
        threads: it may use; 0 for as many as there are cores.

    Raises:
        InstallationError: if the extra is not installed.
    """
    runtime = needed("onnxruntime")[0]
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 3
    session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]

    def infer(*inputs: Tensor) -> Tensor:
        given = {name: each.numpy() for name, each in zip(names, inputs, strict=True)}
        return torch.from_numpy(session.run(None, given)[0])

    return infer


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter tells what it looks for and does not find, what torch will rename, and what it leaves unfolded."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
