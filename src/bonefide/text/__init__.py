# SPDX-License-Identifier: Apache-2.0
"""What classes are called and how they look, in words and as vectors: `bonefide.text.bank`."""
