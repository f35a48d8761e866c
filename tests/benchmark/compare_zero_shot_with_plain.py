# SPDX-License-Identifier: Apache-2.0
"""Times Neuron against the plain transcription of its formulas, which only tests keep.

Run `python tests/benchmark/compare_zero_shot_with_plain.py` on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1] / "methods"))

import torch
from plain_neuron import plain_match
from torch.nn import functional as F

from bonefide.benchmark.timing import interleaved, thread_limit
from bonefide.benchmark.zero_shot import _matcher, matcher_recognition, matcher_step

SPATIAL = ("spatial_coarse", "spatial_mid", "spatial_fine")
TEMPORAL = ("temporal_1", "temporal_12", "temporal_123")


def plain_step() -> Callable[[], object]:
    method, batch = _matcher("cpu")
    seen = [[method.texts.of(kind)[method.texts.seen] for kind in kinds] for kinds in (SPATIAL, TEMPORAL)]

    def step() -> None:
        method.zero_grad()
        branches = plain_match(method, batch.clip[..., 0], seen)
        levels = [F.cross_entropy(logits, batch.label) for branch in branches for logits in branch[2]]
        (sum(levels) / 6).backward()

    return step


def plain_recognition() -> Callable[[], object]:
    method, batch = _matcher("cpu")
    texts = [[method.texts.of(kind) for kind in kinds] for kinds in (SPATIAL, TEMPORAL)]

    @torch.inference_mode()
    def recognize() -> object:
        spatial, temporal = plain_match(method, batch.clip[..., 0], texts)
        return spatial[2][2] + temporal[2][2]

    return recognize


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    tasks = {"step": (matcher_step, plain_step), "recognition": (matcher_recognition, plain_recognition)}
    made = {
        f"{kind} {name}": pair[place]() for name, pair in tasks.items() for place, kind in enumerate(("ours", "plain"))
    }
    with thread_limit(1):
        costs = {name: 1e3 * cost.cpu for name, cost in interleaved(made, rounds=rounds).items()}
    for name in tasks:
        ours, plain = costs[f"ours {name}"], costs[f"plain {name}"]
        sys.stdout.write(f"{name}: ours {ours:.0f} ms, plain {plain:.0f} ms, {plain / ours:.2f} x as fast\n")


if __name__ == "__main__":
    main()
