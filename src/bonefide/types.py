# SPDX-License-Identifier: Apache-2.0
"""The tuples that flow through the package.

Axis letters, with the one meaning they have everywhere: N samples of a batch, C coordinates, T frames, V joints,
M persons, D feature channels, K classes, P prompts, E text width; a prime marks the size after an encoder.
Coordinates are metres in the camera's frame (x right, y up, z away from it) unless a preparation says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bonefide.errors import ScoresError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Array", "Batch", "Features", "Outputs", "Scores", "SkeletonSequence"]

Array = npt.NDArray[Any]
"""Any NumPy array; its shape and type stand in the docstring of whoever takes or gives it."""


@dataclass(frozen=True, eq=False)
class SkeletonSequence:
    """One recording, prepared.

    Args:
        name: sample id, unique in its store.
        label: class, 0-based.
        joints: coordinates of this recording's own persons and frames, without padding.

    Shape:
        joints: (M, T, V, C); an absent person or frame is zeros.
    """

    name: str
    label: int
    joints: Array


class Batch(NamedTuple):
    """What a loader gives and a method takes.

    Shape:
        clip: (N, C, T, V, M); absent persons and frames are zeros. Or images of descriptors (N, I, 3, H, W), 0..255.
        label: (N,) int64.
        index: (N,) int64, places of the samples in their data set; for methods that remember samples.
        joints: (N, 3, T, V, M) raw coordinates, for encoders that ask for them, or None.
        view: (N, W, C, T, V, M), W further augmentations of the same samples, or None.
    """

    clip: Tensor
    label: Tensor
    index: Tensor  # type: ignore[assignment]  # the field hides tuple.index, which nobody needs here
    joints: Tensor | None = None
    view: Tensor | None = None


class Features(NamedTuple):
    """What an encoder returns.

    Shape:
        map: (N, M, D', T', V'), per person, before any pooling.
        pooled: (N, D), per sample.
    """

    map: Tensor
    pooled: Tensor


class Outputs(NamedTuple):
    """What a method says about a batch at test time.

    Shape:
        logits: (N, K) or None.
        embedding: (N, E) or None.
        branches: name of a branch to its (N, K), or None.
    """

    logits: Tensor | None = None
    embedding: Tensor | None = None
    branches: dict[str, Tensor] | None = None


@dataclass(frozen=True, eq=False)
class Scores:
    """One number per sample and class, with where it came from.

    Everything that joins two of these (fusion, comparison) joins on `names`, never on position.

    Args:
        names: sample ids.
        values: scores, higher is likelier; logits unless said otherwise.
        labels: true classes, 0-based.
        classes: class names.
        selected_on: how the scored weights were chosen: "last", "validation" or "best_on_test"; "fused" scores say how
            each member was chosen, joined by "+", and end with "fitted_on_test" if test labels chose their weights.
        hashes: digests of "split", "preparation" and "recipe".
        branches: scores of a network's branches by name; one that joins others is named "a+b". They decide nothing.

    Shape:
        names: (N,) str.
        values: (N, K).
        labels: (N,) int64.
        branches: each (N, K).

    Raises:
        ScoresError: if the sizes do not agree, or a sample id occurs twice.

    Example:
        >>> scores = Scores(np.array(["a", "b"]), np.eye(2), np.array([0, 1]), ("sit", "stand"), "last", {})
        >>> scores.predictions.tolist()
        [0, 1]
    """

    names: Array
    values: Array
    labels: Array
    classes: tuple[str, ...]
    selected_on: str
    hashes: dict[str, str]
    branches: dict[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        expected = (len(self.names), len(self.classes))
        for values in (self.values, *self.branches.values()):
            if values.shape != expected or self.labels.shape != expected[:1]:
                raise ScoresError(
                    f"scores of {expected[0]} samples and {expected[1]} classes need values of shape {expected} "
                    f"and as many labels, got {values.shape} and {self.labels.shape}"
                )
        if len(np.unique(self.names)) != len(self.names):
            raise ScoresError("a sample id occurs twice in the scores; ids join scores, so they must be unique")

    @property
    def predictions(self) -> Array:
        """Most likely class of each sample, (N,) int64; the first of equals."""
        return self.values.argmax(axis=1)
