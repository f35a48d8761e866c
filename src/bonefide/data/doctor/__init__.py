# SPDX-License-Identifier: Apache-2.0
"""What recordings are and what is wrong with them: `diagnose` one, `examine` whatever lies at a path, `mend` it."""

from __future__ import annotations

from bonefide.data.doctor._diagnose import diagnose
from bonefide.data.doctor._finding import Diagnosis, Finding

__all__ = ["Diagnosis", "Finding", "diagnose"]
