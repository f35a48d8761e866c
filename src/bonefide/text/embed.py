# SPDX-License-Identifier: Apache-2.0
"""Text banks made live: sentences in, vectors of an encoder out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bonefide.text.bank import TextBank
from bonefide.text.encode import TextEncoder, text_encoder

__all__ = ["embed"]


def embed(
    classes: Sequence[str],
    sentences: Mapping[str, Sequence[Sequence[str]]],
    encoder: str | TextEncoder,
    *,
    origin: Mapping[str, str] | None = None,
) -> TextBank:
    """Make a text bank. What stands in it twice is encoded once.

    Args:
        classes: names, K of them.
        sentences: kind to sentences, K times P.
        encoder: its name, as `bonefide.text.encode.text_encoder` takes it, or the encoder itself.
        origin: what is known of the sentences; the encoder's own facts are added.

    Raises:
        DataError: if the sentences are not of these classes.

    Example:
        >>> import numpy as np
        >>> class Lengths:
        ...     name, origin = "lengths", {"model": "none"}
        ...
        ...     def __call__(self, sentences):
        ...         return np.array([[len(each)] for each in sentences], dtype=np.float32)
        ...
        ...     def too_long(self, sentences):
        ...         return 0
        >>> bank = embed(["sit", "stand"], {"name": [["sit"], ["stand"]]}, Lengths())
        >>> bank.of("name").tolist(), bank.encoder
        ([[[3.0]], [[5.0]]], 'lengths')
    """
    loaded = text_encoder(encoder) if isinstance(encoder, str) else encoder
    prompts = {kind: tuple(map(tuple, rows)) for kind, rows in sentences.items()}
    once = list(dict.fromkeys(each for rows in prompts.values() for row in rows for each in row))
    place = {sentence: row for row, sentence in enumerate(once)}
    vectors = loaded(once)
    embeddings = {kind: vectors[[[place[each] for each in row] for row in rows]] for kind, rows in prompts.items()}
    return TextBank(tuple(classes), embeddings, prompts, loaded.name, {**(origin or {}), **loaded.origin})
