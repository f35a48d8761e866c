# SPDX-License-Identifier: Apache-2.0
"""How fast, how large: encoders, stores, loaders, start-up."""
