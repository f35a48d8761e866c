# SPDX-License-Identifier: Apache-2.0
"""Files that official code has processed, in (`read_official`) and out (`write_official`); one form a file."""

from __future__ import annotations

from bonefide.data.official._read_official import read_official
from bonefide.data.official._write_official import FORMS, write_official

__all__ = ["FORMS", "read_official", "write_official"]
