# SPDX-License-Identifier: Apache-2.0
"""Encoders, from clips to features: one paper a file."""
