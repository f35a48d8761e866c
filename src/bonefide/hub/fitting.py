# SPDX-License-Identifier: Apache-2.0
"""Which recipes weights fit that were trained elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import get_args

from torch import Tensor

from bonefide.config import load
from bonefide.config.components import component
from bonefide.config.recipe import Descriptor, Recipe, Stream
from bonefide.config.recognizer import config_of_recipe
from bonefide.data import datasets
from bonefide.errors import DataError, did_you_mean
from bonefide.hub.weights import misfit_of

__all__ = ["fitting_recipe", "fitting_recipes", "runs_of"]

_STREAMS: tuple[str, ...] = (*get_args(Stream), *get_args(Descriptor))


def runs_of(whole: Recipe, stream: str) -> Iterator[Recipe]:
    """The single runs of a recipe that see a stream, or the image of one descriptor.

    Networks of several images tell themselves apart by their weights, so they are among those of any stream.

    Args:
        whole: with all its runs.
        stream: "joint", "bone", "joint_motion" or "bone_motion"; or a descriptor.
    """
    for name in whole.runs:
        one = load.single_run(whole, name)
        images = one.data.images
        if stream == (one.data.stream if images is None else images[0]) or len(images or ()) > 1:
            yield one


def fitting_recipe(paper: str, weights: Mapping[str, Tensor], *, stream: str = "joint") -> Recipe | None:
    """The first of `fitting_recipes`; where they differ in protocol only, all give the same recogniser."""
    return next(fitting_recipes(paper, weights, stream=stream), None)


def fitting_recipes(paper: str, weights: Mapping[str, Tensor], *, stream: str = "joint") -> Iterator[Recipe]:
    """The recipes of a paper whose network takes these weights, each as a single run of a stream; see `runs_of`.

    Args:
        paper: as in `bonefide ls papers`.
        weights: under our names.
        stream: the weights do not tell it.

    Raises:
        DataError: if there is no such stream.
    """
    if stream not in _STREAMS:
        raise DataError(
            f"there is no stream '{stream}'{did_you_mean(stream, _STREAMS)}; there are: {', '.join(_STREAMS)}"
        )
    for name in load.names():
        if not name.startswith(f"{paper}/"):
            continue
        whole = load.recipe(name)
        pretrains = getattr(component("methods", whole.method.name), "judged_by_neighbors", False)
        if pretrains or not datasets.info(whole.data.dataset).classes:
            continue
        fitting = (run for run in runs_of(whole, stream) if not misfit_of(config_of_recipe(run, origin={}), weights))
        yield from islice(fitting, 1)
