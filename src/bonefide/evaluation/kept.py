# SPDX-License-Identifier: Apache-2.0
"""What a file of weights holds, without loading it."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path

from safetensors import SafetensorError, safe_open

__all__ = ["form_of_weights"]


def form_of_weights(file: str | Path) -> tuple[int, str]:
    """How many numbers a file of weights holds, and a digest of the names, types and shapes of its tensors.

    Two trainings that leave the same network have it equal, however they came to it.

    Args:
        file: `.safetensors`.

    Returns:
        0 and nothing if it cannot be read.
    """
    try:
        with safe_open(str(file), framework="numpy") as stored:
            parts = {name: stored.get_slice(name) for name in stored.keys()}  # noqa: SIM118 - it is no mapping
            form = {name: (part.get_dtype(), part.get_shape()) for name, part in sorted(parts.items())}
    except (OSError, SafetensorError):
        return 0, ""
    return sum(math.prod(shape) for _, shape in form.values()), hashlib.sha256(json.dumps(form).encode()).hexdigest()[
        :16
    ]
