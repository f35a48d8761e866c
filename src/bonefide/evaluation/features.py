# SPDX-License-Identifier: Apache-2.0
"""Features of test samples and texts on disk, for pictures; no figure is made from them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch

from bonefide.data.loader import Samples
from bonefide.methods._method import Method
from bonefide.writing import write_file

__all__ = ["save_features"]


def save_features(method: Method, samples: Samples, file: Path, features: torch.Tensor) -> None:
    """Write what a method embeds samples as, and what it compares that with.

    The file holds `names`, `labels`, `features` (N, E) float16 and, if the method has them, `texts` (K, E) float16.

    Args:
        method: that embedded them.
        samples: that were embedded.
        file: a `.npz`, written all or nothing.
        features: as what.

    Shape:
        features: (N, E).

    Raises:
        OutputError: if the place cannot be written.
    """
    found = {"names": samples.names.astype(np.str_), "labels": samples.labels, "features": _half(features)}
    with torch.inference_mode():
        compared = method.class_vectors()
    if compared is not None:
        found["texts"] = _half(compared)
    content = io.BytesIO()
    np.savez_compressed(content, **found)  # type: ignore[arg-type]  # none is named like its one other argument
    write_file(file, content.getvalue())


def _half(values: torch.Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float16]]:
    return values.float().cpu().numpy().astype(np.float16)
