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

from bonefide.config.build import build_data, build_method
from bonefide.data.store import SkeletonStore, open_store
from bonefide.encoders._encoder import Encoder
from bonefide.errors import RunError, ShapeError
from bonefide.evaluation.test import load_weights
from bonefide.layouts import SkeletonLayout
from bonefide.methods._method import Method
from bonefide.run import Run
from bonefide.serving.lengths import Lengths, lengths
from bonefide.types import Batch

__all__ = ["Logits", "Network", "run_network"]


class Logits(nn.Module):
    """A method as a function from clips to logits, in evaluation mode and without gradients.

    Args:
        method: a copy is taken, on the CPU.

    Shape:
        clip: (N, C, T, V, M).
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
        channels: coordinates C.
        frames: length T of the clips it was made for.
        persons: person slots M.
        facts: text by name that travels in the file.
    """

    method: Method
    layout: SkeletonLayout
    channels: int
    frames: int
    persons: int
    facts: dict[str, str]

    @cached_property
    def logits(self) -> Logits:
        """From clips to logits."""
        return Logits(self.method)

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
        """Clip lengths it takes."""
        return lengths(self.encoder, self.frames)

    @property
    def input_names(self) -> tuple[str, ...]:
        """Inputs in order."""
        return ("clip", "joints") if self.needs_joints else ("clip",)

    def inputs(self, samples: int, frames: int, *, seed: int = 0) -> tuple[Tensor, ...]:
        """Random inputs that fit."""
        generator = torch.Generator().manual_seed(seed)
        size = (frames, len(self.layout.joints), self.persons)
        clip = torch.randn(samples, self.channels, *size, generator=generator)
        return (clip, torch.randn(samples, 3, *size, generator=generator)) if self.needs_joints else (clip,)

    def described(self) -> dict[str, str]:
        """The facts with those that every file carries."""
        size = {"channels": self.channels, "frames": self.frames, "persons": self.persons}
        return {
            **self.facts,
            **{name: str(number) for name, number in size.items()},
            "bonefide": metadata.version("bonefide"),
            "layout": self.layout.name,
            "joints": json.dumps(self.layout.joints),
            "lengths": self.lengths.described,
        }


def run_network(run: Run, *, store: SkeletonStore | None = None) -> Network:
    """The network of a finished run.

    Args:
        run: its folder.
        store: where the data are, which say how large clips are; the store it was trained on if None.

    Raises:
        RunError: if the run has no weights, or they do not fit.
        StoreError: if the store is not there.
    """
    if not run.weights_file.is_file():
        raise RunError(f"{run.folder}: no weights yet; the training has not finished")
    opened = open_store(run.facts["store"]) if store is None else store
    data = build_data(run.recipe, opened)
    method = build_method(run.recipe, data)
    load_weights(method, run.weights_file)
    channels, frames, _, persons = data.test[0].clip.shape
    chain = [each.model_dump() for each in run.recipe.data.test]
    facts = {
        "recipe": run.recipe.name,
        "run": str(run.facts["run"]),
        "stream": run.recipe.data.stream,
        "classes": json.dumps(data.classes),
        "preparation": opened.info.preparation,
        "transforms": json.dumps(chain),
        "selected_on": run.recipe.training.select,
        "hashes": json.dumps(run.facts["hashes"]),
    }
    return Network(method, opened.layout, channels, frames, persons, facts)
