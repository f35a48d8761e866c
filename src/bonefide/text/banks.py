# SPDX-License-Identifier: Apache-2.0
"""The text banks that come with the package: all described data sets, by MiniLM. No encoder is needed to read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib import resources

from bonefide.errors import DataError, did_you_mean
from bonefide.text.bank import TextBank
from bonefide.text.descriptions import described, source_of
from bonefide.text.read_bank import read_bank

__all__ = ["bank"]

_ENCODER = "minilm"


def bank(dataset: str, encoder: str = _ENCODER, kinds: Sequence[str] | None = None) -> TextBank:
    """What a text encoder says of the classes of a data set, from a file of the package.

    Args:
        dataset: one of `bonefide.text.descriptions.described`.
        encoder: "minilm".
        kinds: of sentences, all if left out.

    Raises:
        DataError: if there is no such file, or a kind is not in it.

    Example:
        >>> texts = bank("nwucla", kinds=["name", "body_parts"])
        >>> texts.of("name").shape, texts.of("body_parts").shape
        ((10, 1, 384), (10, 6, 384))
    """
    if encoder != _ENCODER or dataset not in described():
        raise DataError(
            f"no texts of '{dataset}' by '{encoder}' come with bonefide{did_you_mean(dataset, described())}; there are "
            f"those of {', '.join(described())} by {_ENCODER}. Make them: `bonefide embed {dataset} --with {encoder}"
            " --out FILE.npz`, with --labels or --names for classes of your own, and give the file"
        )
    source, count = source_of(dataset)
    with resources.as_file(resources.files("bonefide.text").joinpath("banks", f"{_ENCODER}_{source}.npz")) as file:
        found = read_bank(file)
    if kinds is not None:
        found = replace(
            found,
            embeddings={kind: found.of(kind) for kind in kinds},
            prompts={kind: found.prompts[kind] for kind in kinds},
        )
    return found.rows(range(count)) if count is not None else found
