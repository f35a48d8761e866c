# SPDX-License-Identifier: Apache-2.0
"""One's own data: what is the same for all; classes and protocols come from a table of labels."""

from __future__ import annotations

from bonefide.data.datasets._info import DatasetInfo

__all__ = ["CUSTOM"]

CUSTOM = DatasetInfo(
    name="custom",
    title="One's own data",
    classes=(),
    preparations={
        "ntu": "plain",
        "nwucla": "plain",
        "utdmhad": "plain",
        "openpose": "plain",
        "mediapipe": "plain",
        "coco": "plain",
        "bvh": "plain",
        "arrays": "plain",  # last: any text could be a table of coordinates
    },
    protocols={},
    sequences=0,
    parts={},
    citation="Nothing to cite: the data are one's own.",
    licence="one's own",
    homepage="see docs/own_data.md",
)
