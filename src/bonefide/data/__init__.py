# SPDX-License-Identifier: Apache-2.0
"""Skeleton data: raw files, preparations, stores, data sets, loaders."""
