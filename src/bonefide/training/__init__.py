# SPDX-License-Identifier: Apache-2.0
"""Training: the only package that knows Lightning."""
