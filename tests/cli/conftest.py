# SPDX-License-Identifier: Apache-2.0
"""Lets these tests import what they share, and the small stores and recipes of tests/training."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "training")]
