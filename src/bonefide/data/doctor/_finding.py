# SPDX-License-Identifier: Apache-2.0
"""What was found about recordings: one finding a question, and all findings about one recording or several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bonefide.data.preparation.plain import Plain
from bonefide.data.store_info import Option
from bonefide.errors import UnknownNameError

__all__ = ["Confidence", "Diagnosis", "Finding"]

Confidence = Literal["certain", "likely", "unknown"]
"""`certain`: the numbers leave no other reading; `likely`: they speak for it; `unknown`: they do not tell."""


@dataclass(frozen=True)
class Finding:
    """The answer to one question about a recording.

    Args:
        subject: the question: "layout", "unit", "up", "mirrored", ...
        value: the answer; None if there is none.
        evidence: one sentence with the numbers it rests on.
        confidence: how sure it is.
        fault: whether something is wrong, or not as the package has it: metres, y up, left where left is.
        numbers: what it rests on, for scripts.
        options: of the preparation `plain` that mend it; empty if none does.
    """

    subject: str
    value: str | int | float | bool | None
    evidence: str
    confidence: Confidence = "certain"
    fault: bool = False
    numbers: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Option] = field(default_factory=dict)


@dataclass(frozen=True)
class Diagnosis:
    """All findings about one recording, or about several together.

    Args:
        findings: one a subject.
        recordings: how many were looked at.
    """

    findings: tuple[Finding, ...]
    recordings: int = 1

    def __getitem__(self, subject: str) -> Finding:
        """The finding on a subject.

        Raises:
            UnknownNameError: if there is none.
        """
        for finding in self.findings:
            if finding.subject == subject:
                return finding
        raise UnknownNameError("findings", subject, [finding.subject for finding in self.findings])

    @property
    def faults(self) -> tuple[Finding, ...]:
        """Findings of something wrong."""
        return tuple(finding for finding in self.findings if finding.fault)

    @property
    def options(self) -> dict[str, Option]:
        """Options of the preparation `plain` that mend what can be mended."""
        return {name: value for finding in self.faults for name, value in finding.options.items()}

    def proposal(self) -> Plain:
        """The preparation that mends what can be mended; `Plain()` if there is nothing of that kind."""
        return Plain(**self.options)  # type: ignore[arg-type]  # the findings name its options
