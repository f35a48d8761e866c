# SPDX-License-Identifier: Apache-2.0
"""What recordings are and what is wrong with them: `diagnose` one, `examine` whatever lies at a path, `mend` it."""

from __future__ import annotations

from bonefide.data.doctor._diagnose import diagnose
from bonefide.data.doctor._examine import Examination, examine
from bonefide.data.doctor._finding import Diagnosis, Finding
from bonefide.data.doctor._mend import dataset_of, has_labels, mend
from bonefide.data.doctor._raw import open_raw

__all__ = ["Diagnosis", "Examination", "Finding", "dataset_of", "diagnose", "examine", "has_labels", "mend", "open_raw"]
