# SPDX-License-Identifier: Apache-2.0
"""One diagnosis of several recordings: what most of them say, and how many have each fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bonefide.data.doctor._finding import Confidence, Diagnosis, Finding
from bonefide.data.store_info import Option

__all__ = ["summarize"]

_WEIGHTS: Mapping[Confidence, float] = {"certain": 3.0, "likely": 1.0, "unknown": 0.0}
_SHARED = {"layout", "unit", "up", "mirrored", "fps", "repeats"}
"""What is the same for all recordings that were made alike; the rest is counted."""
_AGREED, _MOST = 0.8, 0.5


def summarize(diagnoses: Mapping[str, Diagnosis]) -> Diagnosis:
    """What recordings that were made alike have in common.

    Layout, unit, axes, mirroring and rates are decided by votes, certain ones counting three times as much as likely
    ones. Other faults are counted; what mends them is what mends the worst.

    Args:
        diagnoses: by the recordings' names; at least one.

    Example:
        >>> from bonefide.data.doctor import diagnose
        >>> from bonefide.data.synthetic.perform import perform
        >>> told = summarize({name: diagnose(100 * perform(name)) for name in ("wave", "clap")})
        >>> told["unit"].value, told["unit"].evidence[:21], told.options
        ('cm', 'all 2 recordings; the', {'scale': 0.01})
    """
    if len(diagnoses) == 1:
        return next(iter(diagnoses.values()))
    subjects = [finding.subject for finding in next(iter(diagnoses.values())).findings]
    findings = []
    for subject in subjects:
        found = {name: diagnosis[subject] for name, diagnosis in diagnoses.items()}
        findings.append(_voted(found) if subject in _SHARED else _counted(found))
    return Diagnosis(tuple(findings), len(diagnoses))


def _voted(found: Mapping[str, Finding]) -> Finding:
    votes: dict[str | int | float | bool, float] = {}
    for finding in found.values():
        if finding.value is not None:
            votes[finding.value] = votes.get(finding.value, 0.0) + _WEIGHTS[finding.confidence]
    first = next(iter(found.values()))
    winner = max(votes, key=lambda value: votes[value], default=None)
    weight = 0.0 if winner is None else votes[winner]
    numbers = {"votes": {str(value): weight for value, weight in votes.items()}}
    if not weight:
        return Finding(first.subject, None, f"no recording tells: {first.evidence}", "unknown", first.fault, numbers)
    agreeing = [finding for finding in found.values() if finding.value == winner]
    share = weight / sum(votes.values())
    best = max(agreeing, key=lambda finding: _WEIGHTS[finding.confidence])
    sure: Confidence = "unknown" if share <= _MOST else best.confidence if share >= _AGREED else "likely"
    faulty = [finding for finding in agreeing if finding.fault]
    fault = len(faulty) > _MOST * len(agreeing)
    shown = faulty[0] if fault else best
    options = shown.options if fault and sure != "unknown" else {}
    said = f"{_share(len(agreeing), len(found))}; {shown.evidence}"
    return Finding(first.subject, winner, said, sure, fault, numbers, options)


def _counted(found: Mapping[str, Finding]) -> Finding:
    first = next(iter(found.values()))
    faulty = {name: finding for name, finding in found.items() if finding.fault}
    if first.subject == "size":
        return _sizes(list(found.values()))
    if not faulty:
        unknown = all(finding.confidence == "unknown" for finding in found.values())
        said = first.evidence if unknown else f"in none of {len(found)} recordings"
        value = None if unknown else 0
        return Finding(first.subject, value, said, "unknown" if unknown else "certain")
    name, worst = next(iter(faulty.items()))
    said = f"{_share(len(faulty), len(found))}, such as {name}: {worst.evidence}"
    numbers = {"recordings": list(faulty)}
    sure: Confidence = "certain" if all(each.confidence == "certain" for each in faulty.values()) else "likely"
    return Finding(first.subject, len(faulty), said, sure, True, numbers, _largest(list(faulty.values()), found))


def _largest(faulty: Sequence[Finding], found: Mapping[str, Finding]) -> dict[str, Option]:
    """The largest value of each option: it never leaves out more than the recording with most persons or gaps needs."""
    options: dict[str, Option] = {}
    for finding in faulty:
        for name, value in finding.options.items():
            known = options.get(name, value)
            options[name] = max(known, value) if isinstance(known, int) and isinstance(value, int) else value
    if "persons" in options:
        # Recordings without ghosts may have more persons than those with them.
        kept = max(_real(finding) for finding in found.values())
        del options["persons"]
        if any(finding.numbers["persons"] > kept for finding in faulty):
            options["persons"] = kept
    return options


def _real(finding: Finding) -> int:
    return int(finding.numbers["persons"]) - len(finding.numbers["ghosts"])


def _sizes(findings: Sequence[Finding]) -> Finding:
    shapes = [finding.numbers["shape"] for finding in findings]
    persons, frames, joints, channels = (sorted({shape[axis] for shape in shapes}) for axis in range(4))
    said = f"{_span(persons)} persons, {_span(frames)} frames"
    more = f"{said}, {_span(joints)} joints, {_span(channels)} coordinates; the first: {findings[0].evidence}"
    return Finding("size", said, more, "certain", False, {"shapes": shapes})


def _span(values: Sequence[int]) -> str:
    return str(values[0]) if len(values) == 1 else f"{values[0]} to {values[-1]}"


def _share(part: int, whole: int) -> str:
    return f"all {whole} recordings" if part == whole else f"{part} of {whole} recordings"
