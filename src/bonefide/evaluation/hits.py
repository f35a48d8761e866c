# SPDX-License-Identifier: Apache-2.0
"""Which samples are right, in so few letters that an audit card can carry it."""

from __future__ import annotations

import base64
import hashlib
import zlib

import numpy as np

from bonefide.errors import ScoresError
from bonefide.types import Array, Scores

__all__ = ["pack_hits", "samples_digest", "unpack_hits"]


def pack_hits(scores: Scores) -> str:
    """Whether each sample is right, one bit each in the order of the samples' names, compressed, as base64.

    Example:
        >>> scores = Scores(np.array(["b", "a"]), np.eye(2), np.array([0, 0]), ("sit", "stand"), "last", {})
        >>> unpack_hits(pack_hits(scores), 2).tolist()
        [False, True]
    """
    right = (scores.predictions == scores.labels)[np.argsort(scores.names)]
    return base64.b64encode(zlib.compress(np.packbits(right).tobytes(), 9)).decode()


def unpack_hits(packed: str, count: int) -> Array:
    """Whether each sample is right, in the order of the samples' names.

    Args:
        packed: by `pack_hits`.
        count: of samples.

    Shape:
        returned: (count,) bool.

    Raises:
        ScoresError: if it is not the record of so many samples.
    """
    try:
        content = zlib.decompress(base64.b64decode(packed, validate=True))
    except (ValueError, zlib.error) as error:
        raise ScoresError(f"not a record of right samples ({error}); make the card again from its run") from error
    if len(content) != -(-count // 8):
        raise ScoresError(f"a record of {len(content)} bytes is not one of {count} samples; make the card again")
    return np.unpackbits(np.frombuffer(content, np.uint8), count=count).astype(bool)


def samples_digest(scores: Scores) -> str:
    """Digest of the names of the samples, in whatever order they are: equal for equal samples."""
    return hashlib.sha256("\n".join(sorted(map(str, scores.names))).encode()).hexdigest()[:16]
