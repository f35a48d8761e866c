# SPDX-License-Identifier: Apache-2.0
"""Zero-shot figures in words."""

from __future__ import annotations

from bonefide.evaluation.zero_shot import Generalized
from bonefide.evaluation.zero_shot_figures import ZeroShotFigures

__all__ = ["probability", "zero_shot_rows"]


def zero_shot_rows(figures: ZeroShotFigures) -> list[tuple[str, str]]:
    """The figures named, in words, for cards and terminals; those that labels decide are not among them."""
    names = ", ".join(figures.unseen_classes)
    of_seen, of_unseen = figures.samples
    rows = [
        ("classes", f"{len(figures.seen)} seen, {len(figures.unseen)} unseen ({figures.split}): {names}"),
        ("texts", figures.texts),
        ("decided by", figures.decision),
        (
            "acc_inductive",
            f"{figures.acc_inductive:.2f} of {of_unseen} samples of unseen classes, each decided for itself among "
            f"these; mean of classes {figures.balanced_inductive:.2f}",
        ),
    ]
    if figures.acc_transductive is not None:
        text = f"{figures.acc_transductive:.2f} of the same, decided together, knowing that all are of unseen classes"
        rows.append(("acc_transductive", f"{text}; mean of classes {figures.balanced_transductive:.2f}"))
    rows += [
        (
            "chance",
            f"{figures.chance:.2f} by guessing, {figures.commonest:.2f} by the commonest class; so many right, "
            f"inductive, by guessing: {probability(figures.p_value)}",
        ),
        ("all classes, gamma 0", f"{_generalized(figures.uncalibrated)} ({of_seen} samples of seen classes)"),
    ]
    if figures.gamma_chosen_on != "nothing":
        chosen = f"all classes, gamma {figures.gamma:.4g}"
        rows.append((chosen, f"{_generalized(figures.calibrated)}; gamma chosen on the {figures.gamma_chosen_on}"))
    return [*rows, ("area below seen over unseen", f"{figures.area:.2f}")]


def probability(p_value: float) -> str:
    """How a p-value is written.

    Example:
        >>> probability(0.0312), probability(2.3e-41), probability(1e-320)
        ('p = 0.031', 'p = 2.3e-41', 'p < 1e-300')
    """
    return f"p = {p_value:.2g}" if p_value >= 1e-300 else "p < 1e-300"


def _generalized(found: Generalized) -> str:
    return f"seen {found.seen:.2f}, unseen {found.unseen:.2f}, harmonic mean {found.harmonic:.2f}"
