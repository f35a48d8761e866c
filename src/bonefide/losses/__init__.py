# SPDX-License-Identifier: Apache-2.0
"""Losses, pure functions of tensors: one a file."""
