# SPDX-License-Identifier: Apache-2.0
"""A trained network with what one must know to use it."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from typing import cast

import torch
from torch import Tensor, nn

from bonefide.encoders._encoder import Encoder
from bonefide.errors import ShapeError
from bonefide.hub.recognizer import Recognizer
from bonefide.layouts import SkeletonLayout
from bonefide.methods._method import Method
from bonefide.serving.lengths import Lengths, lengths
from bonefide.types import Batch

__all__ = ["Logits", "Network", "recognizer_network"]


class Logits(nn.Module):
    """A method as a function from clips to logits, in evaluation mode and without gradients.

    Args:
        method: a copy is taken, on the CPU.

    Shape:
        clip: (N, C, T, V, M), or images (N, I, C, H, W).
        joints: (N, 3, T, V, M) raw coordinates, for encoders that ask for them, or None.
        returned: (N, K).

    Raises:
        ShapeError: when called, if the method has no logits.
    """

    def __init__(self, method: Method) -> None:
        super().__init__()
        self.method = copy.deepcopy(method).cpu().float().eval().requires_grad_(False)

    def forward(self, clip: Tensor, joints: Tensor | None = None) -> Tensor:
        """Logits of a batch."""
        nobody = torch.zeros(clip.shape[0], dtype=torch.int64)
        logits = self.method.outputs(Batch(clip, nobody, nobody, joints)).logits
        if logits is None:
            raise ShapeError(f"{type(self.method).__name__} has no logits, so there is nothing to export")
        return logits


@dataclass(frozen=True, eq=False)
class Network:
    """What is exported.

    Args:
        method: with its weights.
        layout: of the joints it sees.
        channels: coordinates C, or colours of an image.
        frames: length T of the clips it was made for, or rows and columns of an image.
        persons: person slots M.
        facts: text by name that travels in the file.
        images: descriptors whose images it sees, in order; none if it sees clips.
    """

    method: Method
    layout: SkeletonLayout
    channels: int
    frames: int
    persons: int
    facts: dict[str, str]
    images: tuple[str, ...] = ()

    @cached_property
    def logits(self) -> Logits:
        """From clips to logits."""
        return Logits(self.method)

    def infer(self, *inputs: Tensor) -> Tensor:
        """Its logits, without gradients."""
        with torch.inference_mode():
            said: Tensor = self.logits(*inputs)
        return said

    @property
    def encoder(self) -> Encoder:
        """Its copy in `logits`."""
        return cast("Encoder", self.logits.method.encoder)

    @property
    def needs_joints(self) -> bool:
        """Whether raw coordinates are a second input."""
        return self.encoder.needs_joints

    @cached_property
    def lengths(self) -> Lengths:
        """Clip lengths it takes; images have one size."""
        return Lengths(self.frames, 0) if self.images else lengths(self.encoder, self.frames)

    @property
    def input_names(self) -> tuple[str, ...]:
        """Inputs in order."""
        return ("clip", "joints") if self.needs_joints else ("clip",)

    def given(self, batch: Batch) -> tuple[Tensor, ...]:
        """The inputs that a batch holds."""
        return tuple(
            each.float() for each in (batch.clip, batch.joints if self.needs_joints else None) if each is not None
        )

    def inputs(self, samples: int, frames: int, *, seed: int = 0) -> tuple[Tensor, ...]:
        """Random inputs that fit; every second clip shows one person."""
        generator = torch.Generator().manual_seed(seed)
        if self.images:
            shape = (samples, len(self.images), self.channels, frames, frames)
            return (torch.randint(256, shape, generator=generator).float(),)
        size = (frames, len(self.layout.joints), self.persons)
        channels = (self.channels, 3) if self.needs_joints else (self.channels,)
        drawn = tuple(torch.randn(samples, each, *size, generator=generator) for each in channels)
        for each in drawn:
            each[1::2, ..., 1:] = 0
        return drawn

    def described(self) -> dict[str, str]:
        """The facts with those that every file carries."""
        size = {"channels": self.channels, "frames": self.frames, "persons": self.persons}
        images = {"images": json.dumps(self.images)} if self.images else {}
        return {
            "precision": "float32",
            **self.facts,
            **images,
            **{name: str(number) for name, number in size.items()},
            "bonefide": metadata.version("bonefide"),
            "layout": self.layout.name,
            "joints": json.dumps(self.layout.joints),
            "lengths": f"images of {self.frames} x {self.frames} pixels" if images else self.lengths.described,
        }


def recognizer_network(recognizer: Recognizer) -> Network:
    """The network of a recogniser, be it of a run or of converted weights.

    Args:
        recognizer: loaded.
    """
    config = recognizer.config
    facts = {
        **config.origin,
        "stream": config.stream,
        "classes": json.dumps(config.classes),
        "dataset": config.dataset,
        "preparation": config.preparation,
        "transforms": json.dumps([each.model_dump() for each in config.transform]),
    }
    return Network(
        recognizer.method,
        config.skeleton,
        config.in_channels,
        config.frames,
        config.persons,
        facts,
        config.images or (),
    )
