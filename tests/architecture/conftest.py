# SPDX-License-Identifier: Apache-2.0
"""Lets the walls share what they know about the tree of source files."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
