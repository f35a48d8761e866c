# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

import pytest

from bonefide.config.recipe import Constant, Cosine, Exponential, Schedule, Step
from bonefide.training.schedules import rate_at


def rates(schedule: Schedule, epochs: int) -> list[float]:
    return [rate_at(schedule, epoch=epoch, step=3, steps=10, epochs=epochs) for epoch in range(epochs)]


def test_steps_after_a_warm_up() -> None:
    schedule = Step(name="step", steps=(4, 6), gamma=0.1, warmup_epochs=2)
    assert rates(schedule, 8) == pytest.approx([0.5, 1, 1, 1, 0.1, 0.1, 0.01, 0.01])


def test_the_published_schedule_of_ctrgcn() -> None:
    schedule = Step(name="step", steps=(35, 55), warmup_epochs=5)
    found = rates(schedule, 65)
    assert found[:6] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1, 1])
    assert (found[34], found[35], found[54], found[55]) == pytest.approx((1, 0.1, 0.1, 0.01))


def test_constant_and_exponential() -> None:
    assert rates(Constant(name="constant"), 3) == [1, 1, 1]
    assert rates(Constant(name="constant", warmup_epochs=4), 3) == pytest.approx([0.25, 0.5, 0.75])
    assert rates(Exponential(name="exponential", gamma=0.5), 4) == pytest.approx([1, 0.5, 0.25, 0.125])
    assert rates(Exponential(name="exponential", gamma=0.5, warmup_epochs=2), 4) == pytest.approx([0.5, 1, 0.25, 0.125])


def test_cosine_per_epoch_covers_what_the_warm_up_leaves() -> None:
    schedule = Cosine(name="cosine", warmup_epochs=1, minimum=0.2)
    assert rates(schedule, 5) == pytest.approx(
        [1, 1, *(0.2 + 0.4 * (1 + math.cos(math.pi * k / 4)) for k in (1, 2, 3))]
    )


def test_cosine_per_step_rises_from_zero_and_ends_at_its_minimum() -> None:
    schedule = Cosine(name="cosine", per="step", warmup_epochs=1, minimum=0.1)
    found = [rate_at(schedule, epoch=e, step=s, steps=4, epochs=3) for e in range(3) for s in range(4)]
    expected = [0, 0.25, 0.5, 0.75, *(0.1 + 0.45 * (1 + math.cos(math.pi * k / 8)) for k in range(8))]
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("epochs", [1, 3])
def test_a_training_that_is_all_warm_up(epochs: int) -> None:
    found = rates(Cosine(name="cosine", warmup_epochs=3), epochs)
    assert found == pytest.approx([(epoch + 1) / 3 for epoch in range(epochs)])


@pytest.mark.parametrize(
    ("base", "gamma", "expected"),
    [
        # Hyperformer and CSRE.
        (0.025, 0.1, [0.005, 0.01, 0.015, 0.02, 0.025, 0.025, 0.025, 2.5e-3, 2.5e-3, 2.5e-4, 2.5e-4]),
        # CSRE on the views of NTU RGB+D 60, as its configuration has it.
        (0.01, 0.025, [0.002, 0.004, 0.006, 0.008, 0.01, 0.01, 0.01, 2.5e-4, 2.5e-4, 6.25e-6, 6.25e-6]),
        # BlockGCN.
        (0.05, 0.1, [0.01, 0.02, 0.03, 0.04, 0.05, 0.05, 0.05, 5e-3, 5e-3, 5e-4, 5e-4]),
    ],
)
def test_the_published_schedules_of_hyperformer_and_blockgcn(base: float, gamma: float, expected: list[float]) -> None:
    found = rates(Step(name="step", steps=(110, 120), gamma=gamma, warmup_epochs=5), 140)
    assert [base * found[epoch] for epoch in (0, 1, 2, 3, 4, 5, 109, 110, 119, 120, 139)] == pytest.approx(expected)


def test_steps_that_go_on() -> None:
    schedule = Step(name="step", steps=(5, 6, 7), every=3, gamma=0.5)
    found = rates(schedule, 14)
    assert found == [1.0] * 5 + [0.5, 0.25] + [0.125] * 3 + [0.0625] * 3 + [0.03125]
    assert rates(Step(name="step", steps=(), every=2, gamma=0.5), 5) == [1.0, 1.0, 0.5, 0.5, 0.25]


def test_a_warm_up_may_start_idle_as_that_of_pgfa_and_smie() -> None:
    step = Step(name="step", steps=(50, 80), warmup_epochs=5, starts_idle=True)
    assert rates(step, 100)[:6] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert rates(step, 100)[49:51] + rates(step, 100)[79:81] == pytest.approx([1, 0.1, 0.1, 0.01])
    cosine = Cosine(name="cosine", warmup_epochs=15, starts_idle=True)
    expected = [epoch / 15 if epoch < 15 else (1 + math.cos(math.pi * (epoch - 15) / 85)) / 2 for epoch in range(100)]
    assert rates(cosine, 100) == pytest.approx(expected)
