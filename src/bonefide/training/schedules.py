# SPDX-License-Identifier: Apache-2.0
"""The learning rate as a pure function of time: nothing to save, nothing to restore."""

from __future__ import annotations

import math

from bonefide.config.recipe import Cosine, Exponential, Schedule, Step

__all__ = ["rate_at"]


def rate_at(schedule: Schedule, *, epoch: int, step: int, steps: int, epochs: int) -> float:
    """Factor on the learning rate.

    In the warm-up it rises linearly; per epoch it is (epoch + 1) / warmup_epochs, so the first epoch is not idle,
    or epoch / warmup_epochs where the recipe asks for that. After it the schedule goes on as if it had run from epoch
    0, but the cosine covers only what is left.

    Args:
        schedule: the recipe's.
        epoch: 0-based.
        step: 0-based step within the epoch.
        steps: steps of an epoch.
        epochs: length of the training.

    Returns:
        A number from 0 to 1 (above 1 only for an exponential with gamma above 1).

    Example:
        >>> from bonefide.config.recipe import Step
        >>> step = Step(name="step", steps=(35, 55), warmup_epochs=5)
        >>> [round(rate_at(step, epoch=epoch, step=0, steps=10, epochs=65), 6) for epoch in (0, 4, 34, 35, 64)]
        [0.2, 1.0, 1.0, 0.1, 0.01]
    """
    now = epoch + step / steps if schedule.per == "step" else float(epoch)
    warmup = schedule.warmup_epochs
    if now < warmup:
        return (now if schedule.per == "step" or schedule.starts_idle else now + 1) / warmup
    if isinstance(schedule, Step):
        return schedule.gamma ** _steps_taken(schedule, now)
    if isinstance(schedule, Exponential):
        return schedule.gamma**now
    if isinstance(schedule, Cosine):
        passed = (now - warmup) / max(epochs - warmup, 1)
        return schedule.minimum + (1 - schedule.minimum) * 0.5 * (1 + math.cos(math.pi * passed))
    return 1.0


def _steps_taken(schedule: Step, now: float) -> int:
    taken = sum(now >= at for at in schedule.steps)
    last = max(schedule.steps, default=0)
    if schedule.every is not None and now >= last:
        taken += int((now - last) // schedule.every)
    return taken
