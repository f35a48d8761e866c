# SPDX-License-Identifier: Apache-2.0
"""Methods, from batches to losses and from outputs to decisions: one paper a file."""
