# SPDX-License-Identifier: Apache-2.0
"""How time is taken: wall and processor time, tasks in turn, medians."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from bonefide.errors import BonefideError

__all__ = ["Cost", "interleaved", "median", "settle", "thread_limit", "timed"]


@dataclass(frozen=True)
class Cost:
    """What one call costs.

    Args:
        wall: seconds on the clock.
        cpu: seconds of this process, over all its threads; other work on the machine hardly counts in it.
    """

    wall: float
    cpu: float

    def over(self, count: int) -> Cost:
        """The cost of one of `count` equal parts."""
        return Cost(self.wall / count, self.cpu / count)


def interleaved(
    tasks: Mapping[str, Callable[[], object]], *, rounds: int, device: str = "cpu", seconds: float = 0.05
) -> dict[str, Cost]:
    """Median cost of a call of each task.

    Every round goes through all tasks, so that a slow minute of the machine hits all alike. Before the first, every
    task is called until it is warm, which also says how often it must be called for a round to be long enough.

    Args:
        tasks: name to what is called.
        rounds: at least 1.
        device: where they compute; a GPU is waited for.
        seconds: shortest time of a task in a round.

    Raises:
        BonefideError: if `rounds` is below 1.

    Example:
        >>> costs = interleaved({"sum": lambda: sum(range(100))}, rounds=1, seconds=0.001)
        >>> 0 < costs["sum"].wall < 1
        True
    """
    if rounds < 1:
        raise BonefideError(f"rounds must be at least 1, got {rounds}")
    repeats = {name: _repeats(task, device, seconds) for name, task in tasks.items()}
    taken: dict[str, list[Cost]] = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            taken[name].append(timed(task, repeats=repeats[name], device=device))
    return {name: median(costs) for name, costs in taken.items()}


def timed(task: Callable[[], object], *, repeats: int = 1, device: str = "cpu") -> Cost:
    """Cost of a call.

    Args:
        task: what is called.
        repeats: how often, at least 1.
        device: where it computes; a GPU is waited for.
    """
    settle(device)
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(repeats):
        task()
    settle(device)
    return Cost(time.perf_counter() - wall, time.process_time() - cpu).over(repeats)


def median(costs: Sequence[Cost]) -> Cost:
    """Median of each of the two times, at least of one cost."""
    return Cost(statistics.median(cost.wall for cost in costs), statistics.median(cost.cpu for cost in costs))


def settle(device: str) -> None:
    """Wait until a device has done all it was asked to."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    elif device == "mps":
        torch.mps.synchronize()


@contextmanager
def thread_limit(threads: int) -> Iterator[None]:
    """Let torch and the libraries below NumPy use that many threads.

    Raises:
        BonefideError: if `threads` is below 1.
    """
    if threads < 1:
        raise BonefideError(f"threads must be at least 1, got {threads}")
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with threadpool_limits(threads):
            yield
    finally:
        torch.set_num_threads(before)


def _repeats(task: Callable[[], object], device: str, seconds: float) -> int:
    timed(task, device=device)
    once = timed(task, device=device).wall
    return max(1, round(seconds / max(once, 1e-7)))
