# SPDX-License-Identifier: Apache-2.0
"""Parts that two encoders or more share."""
