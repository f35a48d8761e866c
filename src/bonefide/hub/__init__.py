# SPDX-License-Identifier: Apache-2.0
"""Recognisers: `bonefide.hub.recognizer`, and the recipes that weights fit: `bonefide.hub.fitting`."""
