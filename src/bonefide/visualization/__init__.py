# SPDX-License-Identifier: Apache-2.0
"""Skeletons and matrices as pictures and animations."""

from bonefide.visualization.drawing import Drawing, draw

__all__ = ["Drawing", "draw"]
