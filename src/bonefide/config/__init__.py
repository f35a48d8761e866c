# SPDX-License-Identifier: Apache-2.0
"""Recipes: what they may say, from YAML to objects."""
