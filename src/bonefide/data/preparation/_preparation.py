# SPDX-License-Identifier: Apache-2.0
"""What a preparation is."""

from __future__ import annotations

from typing import ClassVar, Protocol

from bonefide.data.raw._recording import RawRecording
from bonefide.types import SkeletonSequence

__all__ = ["Preparation"]


class Preparation(Protocol):
    """A named, versioned way from a raw recording to a sequence: a frozen dataclass whose fields are its options."""

    version: ClassVar[int]
    """Raised whenever its output changes; stores of another version are refused."""
    layout: ClassVar[str]
    """Layout of what it returns."""
    dtype: ClassVar[str]
    """Type of the stored coordinates: "float32", or "float64" where the papers' feeders work on such."""

    def __call__(self, recording: RawRecording) -> SkeletonSequence:
        """Prepare one recording.

        Raises:
            RawFileError: if it carries no usable sample; the code says why, and the sample is left out and listed.
        """
