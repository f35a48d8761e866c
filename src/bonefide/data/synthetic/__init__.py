# SPDX-License-Identifier: Apache-2.0
"""Made-up people who act, written in the official on-disk formats: `perform` one action, `synthesize` a data set.

A score (`motion`) says where hands and feet are when; kinematics turn it into joints of a body (`bodies`,
`kinematics`); a sensor looks on (`sensor`); a writer puts down what it saw (`write`).
"""

from __future__ import annotations

from bonefide.data.synthetic.perform import perform
from bonefide.data.synthetic.write import synthesize

__all__ = ["perform", "synthesize"]
