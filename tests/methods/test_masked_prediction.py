# SPDX-License-Identifier: Apache-2.0
"""Pre-training by hidden tokens: options, what each method looks at, accumulated gradients, several processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from bonefide.encoders.ctrgcn import CTRGCN
from bonefide.encoders.masked_transformer import MaskedTransformer
from bonefide.errors import ShapeError
from bonefide.layouts import layout
from bonefide.methods._masked_prediction import motion
from bonefide.methods.mae import MAE
from bonefide.methods.mamp import MAMP
from bonefide.methods.stjd_mp import STJDMP
from bonefide.types import Batch

SCRIPT = Path(__file__).with_name("two_masked_processes.py")
KINDS = pytest.mark.parametrize("kind", [MAE, MAMP, STJDMP])


def made(kind: Any, **options: Any) -> Any:
    torch.manual_seed(0)
    encoder = MaskedTransformer(layout("ucla20"), 3, frames=16, width=16, depth=1, heads=2)
    return kind(encoder, **({"decoder_depth": 1, "decoder_width": 8, "seed": 1} | options))


def batch(count: int = 8, persons: int = 2) -> Batch:
    clip = torch.randn(count, 3, 16, 20, persons, generator=torch.Generator().manual_seed(2)).cumsum(2)
    return Batch(clip, torch.zeros(count, dtype=torch.int64), torch.arange(count))


def part(whole: Batch, rows: slice) -> Batch:
    return Batch(whole.clip[rows], whole.label[rows], whole.index[rows])


def gradients(method: Any) -> list[Tensor]:
    return [each.grad.clone() for each in method.parameters()]


@KINDS
def test_accumulated_gradients_are_those_of_the_whole_batch(kind: Any) -> None:
    method, whole = made(kind), batch()
    method.losses(whole)["masked_regression"].backward()
    expected = gradients(method)
    method.zero_grad()
    for rows in (slice(6, 8), slice(0, 2), slice(2, 4), slice(4, 6)):
        (method.losses(part(whole, rows))["masked_regression"] / 4).backward()
    for one, other in zip(gradients(method), expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


@KINDS
def test_epochs_hide_other_tokens_and_evaluation_the_same(kind: Any) -> None:
    method, whole = made(kind).train(), batch()
    losses = []
    for training in (True, False):
        for epoch in (0, 1, 0):
            method.train(training).start_epoch(epoch)
            losses.append(method.losses(whole)["masked_regression"].item())
    assert losses[0] == losses[2] != losses[1]
    assert losses[3] == losses[4] == losses[5] not in losses[:3]


def _hidden(method: Any, whole: Batch, score: Tensor | None) -> Tensor:
    tokens = method.encoder.patches(whole.clip)
    found = []
    for epoch in range(40):
        method.start_epoch(epoch)
        found.append(method.mask(whole.index, tokens, score).hidden)
    return torch.stack(found).float().mean(dim=0).view(-1, 4, 20)


def test_moving_joints_are_hidden_more_often() -> None:
    method = made(MAMP, mask_ratio=0.5)
    clip = torch.zeros(16, 3, 16, 20, 1)
    clip[:, :, :, 7] = torch.randn(16, 3, 16, 1)
    whole = Batch(clip, torch.zeros(16, dtype=torch.int64), torch.arange(16))
    score = torch.zeros(16, 4, 20)
    score[:, :, 7] = 1
    share = _hidden(method, whole, score).mean(dim=(0, 1))
    assert share[7] > 0.6
    assert share[[joint for joint in range(20) if joint != 7]].max() < 0.55
    assert _hidden(made(MAMP, mask_ratio=0.5, temperature=0.0), whole, score).mean(dim=(0, 1))[7] < 0.55


def test_the_first_time_is_hidden_least_by_the_density() -> None:
    whole = batch(16, persons=1)
    shares = []
    for first in ("zero", "copy"):
        method = made(STJDMP, mask_ratio=0.5, first_segment=first)
        scores = method.scores(method.encoder.patches(whole.clip))
        assert scores[:, 0].any() == (first == "copy")
        shares.append(_hidden(method, whole, scores).mean(dim=(0, 2))[0])
    assert shares[0] < 0.47 < shares[1]


def test_nothing_of_the_density_is_trained() -> None:
    method = made(STJDMP)
    before = {key: value.clone() for key, value in method.density.state_dict().items()}
    optimizer = torch.optim.AdamW(method.parameters(), lr=0.1, weight_decay=0.5)
    for _ in range(2):
        method.losses(batch())["masked_regression"].backward()
        optimizer.step()
    assert before
    assert not any(key.startswith("density") for group in method.parameter_groups() for key in group.names)
    assert all(torch.equal(value, before[key]) for key, value in method.density.state_dict().items())
    assert set(before) <= {key.removeprefix("density.") for key in method.weights()}


def test_the_papers_density_scores_differently() -> None:
    whole = batch()
    scores = []
    for variant in ("code", "paper"):
        method = made(STJDMP, variant=variant)
        tokens = method.encoder.patches(whole.clip)
        scores.append(method.scores(tokens))
        assert method.losses(whole)["masked_regression"].isfinite()
    # With all widths 1 they differ by the number of joints alone.
    torch.testing.assert_close(scores[0], 20 * scores[1])


def test_motion_is_seen_ahead_and_ends_in_zeros() -> None:
    clip = torch.arange(6.0).square().view(1, 1, 6, 1, 1)
    assert motion(clip, 1).flatten().tolist() == [1, 3, 5, 7, 9, 0]
    assert motion(clip, 4).flatten().tolist() == [16, 24, 0, 0, 0, 0]


@KINDS
def test_an_encoder_that_hides_nothing_is_refused(kind: Any) -> None:
    encoder = CTRGCN(layout("ucla20"), 3, persons=1, base_channels=8)
    with pytest.raises(ShapeError, match="hides tokens of the encoder masked_transformer, got CTRGCN"):
        kind(encoder)


@pytest.mark.parametrize("kind", [MAMP, STJDMP])
@pytest.mark.parametrize("stride", [0, 16])
def test_strides_beyond_the_clip(kind: Any, stride: int) -> None:
    with pytest.raises(ShapeError, match=f"motion_stride must be from 1 to below 16 frames, got {stride}"):
        made(kind, motion_stride=stride)


@KINDS
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mask_ratio": 0.99}, "leaves 0 visible"),
        ({"decoder_depth": 0}, "depth must be at least 1"),
        ({"decoder_width": 7}, "multiple of its heads, got 7 and 2"),
        ({"seed": -1}, "seed must be at least 0"),
    ],
)
def test_options_out_of_their_range(kind: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        made(kind, **options)


def test_two_processes_train_as_one(tmp_path: Path) -> None:
    def start(rank: int, processes: int) -> subprocess.Popen[bytes]:
        out = tmp_path / f"{rank}of{processes}.pt"
        return subprocess.Popen([sys.executable, SCRIPT, str(rank), str(processes), str(tmp_path / "meeting"), out])

    started = [start(0, 1), start(0, 2), start(1, 2)]
    assert [each.wait(timeout=280) for each in started] == [0, 0, 0]
    one, first, second = (torch.load(tmp_path / f"{name}.pt") for name in ("0of1", "0of2", "1of2"))
    torch.testing.assert_close((first["losses"] + second["losses"]) / 2, one["losses"], rtol=1e-4, atol=0)
    for key, value in one["state"].items():
        assert torch.equal(first["state"][key], second["state"][key]), key
        torch.testing.assert_close(first["state"][key], value, rtol=1e-3, atol=1e-5, msg=key)
