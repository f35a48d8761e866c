# SPDX-License-Identifier: Apache-2.0
"""From scores to numbers, audit cards and pages; nothing here trains."""
