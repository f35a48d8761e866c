# SPDX-License-Identifier: Apache-2.0
"""One seed for everything that is random in training."""

from __future__ import annotations

import random

import numpy as np
import torch

__all__ = ["seed_all"]


def seed_all(seed: int, *, epoch: int = -1) -> None:
    """Seed Python, NumPy's global generator and torch, from (seed, epoch) alone.

    Called before a method is initialised and before every epoch, so that what an epoch draws does not depend on whether
    the training was interrupted before it. Samples and their order are seeded by the data set and the loader.

    Args:
        seed: the recipe's.
        epoch: 0-based; -1 before the first.
    """
    words = np.random.SeedSequence((seed, epoch + 1)).generate_state(3)
    random.seed(int(words[0]))
    np.random.seed(int(words[1]))  # noqa: NPY002 (for libraries that draw from it; bonefide does not)
    torch.manual_seed(int(words[2]))
