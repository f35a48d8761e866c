# SPDX-License-Identifier: Apache-2.0
"""Made-up runs and scores for the tests of evaluation."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
