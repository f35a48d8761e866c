# SPDX-License-Identifier: Apache-2.0
"""Lets these tests import each other, and the small stores and recipes of tests/training."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "training")]
