# SPDX-License-Identifier: Apache-2.0
"""Lets these tests import what they share, the stores and recipes of tests/training, and what runs a page's code."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "training"), str(HERE.parent / "architecture")]
