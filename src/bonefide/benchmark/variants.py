# SPDX-License-Identifier: Apache-2.0
"""Ways to run one network: as it is, compiled, in bfloat16, by ONNX Runtime in floats and in integers."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, Literal, get_args

import torch

from bonefide.benchmark.batches import each_tensor
from bonefide.errors import UnknownNameError
from bonefide.layouts import SkeletonLayout
from bonefide.methods._method import Method
from bonefide.serving.int8 import int8_bytes
from bonefide.serving.network import Network
from bonefide.serving.onnx import onnx_bytes, onnx_inference
from bonefide.types import Batch

__all__ = ["VARIANTS", "Prepared", "Subject", "Variant", "chosen_variants", "prepared"]

Variant = Literal["eager", "compiled", "bf16", "compiled_bf16", "onnx", "onnx_int8"]
VARIANTS: tuple[Variant, ...] = get_args(Variant)


@dataclass(frozen=True, eq=False)
class Subject:
    """A network and what it is fed with.

    Args:
        name: of the encoder or recipe.
        method: the network with its head and losses.
        batch: input and labels.
        layout: of the joints.
        images: descriptors whose images it sees; none if it sees clips.
    """

    name: str
    method: Method
    batch: Batch
    layout: SkeletonLayout
    images: tuple[str, ...] = ()

    def on(self, device: str) -> Subject:
        """A copy on a device."""
        moved = each_tensor(self.batch, lambda part: part.to(device))
        return replace(self, method=copy.deepcopy(self.method).to(device), batch=moved)

    def alone(self) -> Subject | None:
        """The same network, where all persons but the first are absent; None if there are no others."""
        if self.images or self.batch.clip.shape[-1] == 1:
            return None
        clip = self.batch.clip.clone()
        clip[..., 1:] = 0
        return replace(self, batch=self.batch._replace(clip=clip, joints=clip))

    @cached_property
    def network(self) -> Network:
        """What is exported."""
        _, channels, frames, _, persons = self.batch.clip.shape
        if self.images:
            _, _, channels, frames, _ = self.batch.clip.shape
            persons = 1
        return Network(self.method, self.layout, channels, frames, persons, {}, self.images)

    def train(self) -> None:
        """Forward, losses, backward."""
        self.method.zero_grad()
        torch.stack(list(self.method.losses(self.batch).values())).sum().backward()

    def forward(self, samples: int | None = None) -> None:
        """Forward without gradients, of the whole batch or its first samples."""
        with torch.no_grad():
            self.method.outputs(each_tensor(self.batch, lambda part: part[:samples]))


@dataclass(frozen=True, eq=False)
class Prepared:
    """What is called to measure.

    Args:
        latency: one sample forward.
        forward: the batch forward.
        train: forward, losses, backward; None where nothing can be trained.
        alone: the batch forward with one person a sample; None where there is no other, or it makes no difference.
    """

    latency: Callable[[], object]
    forward: Callable[[], object]
    train: Callable[[], object] | None
    alone: Callable[[], object] | None = None


def chosen_variants(text: str) -> tuple[Variant, ...]:
    """Variants from a comma-separated list; eager comes first, since the others are compared with it.

    Raises:
        UnknownNameError: if one is none.

    Example:
        >>> chosen_variants("onnx, bf16")
        ('eager', 'bf16', 'onnx')
    """
    asked = {each.strip() for each in text.split(",")}
    for name in asked - set(VARIANTS):
        raise UnknownNameError("variants", name, VARIANTS)
    return tuple(each for each in VARIANTS if each in asked | {"eager"})


def prepared(subject: Subject, variant: Variant, *, device: str) -> Prepared | str:
    """Make a network ready to be measured, everything called once.

    Args:
        subject: what.
        variant: how.
        device: as torch names it.

    Returns:
        What to call, or why it cannot be.
    """
    try:
        made = _onnx(subject, variant, device) if variant.startswith("onnx") else _torch(subject, variant, device)
        # Compilers, and what they lack, show at the first call.
        for call in (made.latency, made.forward, made.train):
            if call is not None:
                call()
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return lines[0][:120] if lines else type(error).__name__
    return made


def _torch(subject: Subject, variant: Variant, device: str) -> Prepared:
    trained, tested = subject.on(device), subject.on(device)
    trained.method.train()
    tested.method.eval()
    if variant.startswith("compiled"):
        for each in (trained, tested):
            network: Any = each.method
            network.encoder.compile(fullgraph=True, dynamic=False)
    kind = torch.device(device).type if variant.endswith("bf16") else ""
    alone = None if variant.startswith("compiled") else tested.alone()
    return Prepared(
        partial(_under, kind, partial(tested.forward, 1)),
        partial(_under, kind, tested.forward),
        partial(_under, kind, trained.train),
        None if alone is None else partial(_under, kind, alone.forward),
    )


def _under(kind: str, call: Callable[[], object]) -> None:
    around: AbstractContextManager[Any] = torch.autocast(kind, dtype=torch.bfloat16) if kind else nullcontext()
    with around:
        call()


def _onnx(subject: Subject, variant: Variant, device: str) -> Prepared:
    if device != "cpu":
        # The runtime of the extra is the one for processors.
        raise NotImplementedError(f"ONNX Runtime is measured on the CPU, not on {device}")
    inputs = subject.network.given(subject.batch)
    if variant == "onnx":
        content = onnx_bytes(subject.network)
    else:
        content = int8_bytes(onnx_bytes(subject.network, "integers"), [inputs])
    infer = onnx_inference(content, threads=torch.get_num_threads())
    alone = subject.alone()
    return Prepared(
        partial(infer, *(each[:1] for each in inputs)),
        partial(infer, *inputs),
        None,
        None if alone is None else partial(infer, *subject.network.given(alone.batch)),
    )
