# SPDX-License-Identifier: Apache-2.0
"""What a preparation is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Protocol, runtime_checkable

from bonefide.data.raw._recording import RawRecording
from bonefide.layouts import SkeletonLayout
from bonefide.types import SkeletonSequence

__all__ = ["ChangesJoints", "CutsVideos", "Preparation", "Reorders"]


class Preparation(Protocol):
    """A named, versioned way from a raw recording to a sequence: a frozen dataclass whose fields are its options."""

    version: ClassVar[int]
    """Raised whenever its output changes; stores of another version are refused."""
    layout: ClassVar[str]
    """Layout of what it returns; "" for that of the raw format."""
    dtype: ClassVar[str]
    """Type of the stored coordinates: "float32", or "float64" where the papers' feeders work on such."""

    def __call__(self, recording: RawRecording) -> SkeletonSequence:
        """Prepare one recording.

        Raises:
            RawFileError: if it carries no usable sample; the code says why, and the sample is left out and listed.
        """


@runtime_checkable
class CutsVideos(Protocol):
    """A preparation of long recordings that hold several labelled actions."""

    def cut(self, recording: RawRecording) -> Iterable[RawRecording]:
        """The labelled pieces, each with its own name, label and place in the recording; each is prepared by itself."""


@runtime_checkable
class ChangesJoints(Protocol):
    """A preparation that returns other joints or channels than the raw format has; recordings carry their layout."""

    def result(self, layout: SkeletonLayout, channels: int) -> tuple[SkeletonLayout, int, tuple[str, ...]]:
        """Layout and channels of what it returns, and names of the joints in it that are inferred, not measured.

        Args:
            layout: of the raw joints.
            channels: coordinates of a raw joint.

        Raises:
            DataError: if the options ask for what these joints do not allow.
        """


@runtime_checkable
class Reorders(Protocol):
    """A preparation that takes raw joints in another order than it returns them."""

    takes: ClassVar[str]
    """Layout of the raw joints."""
