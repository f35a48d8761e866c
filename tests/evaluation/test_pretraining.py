# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from bonefide.encoders.masked_transformer import MaskedTransformer
from bonefide.encoders.stgcn import STGCN
from bonefide.errors import DataError
from bonefide.evaluation.pretraining import attention, hidden_tokens, pictures_of, prime_joints
from bonefide.layouts import layout
from bonefide.methods._masked_prediction import Prediction
from bonefide.methods.linear_probe import LinearProbe
from bonefide.methods.mae import MAE
from bonefide.methods.mamp import MAMP
from bonefide.methods.stjd_cl import STJDCL
from bonefide.methods.stjd_mp import STJDMP
from bonefide.methods.supervised import Supervised
from bonefide.types import Batch

UCLA, FRAMES = layout("ucla20"), 16


def batch() -> Batch:
    clip = torch.randn(2, 3, FRAMES, 20, 2, generator=torch.Generator().manual_seed(0)).cumsum(dim=2)
    clip[..., 1] = 0
    return Batch(clip, torch.zeros(2).long(), torch.tensor([4, 7]))


def made(kind: type, **options: Any) -> Any:
    torch.manual_seed(0)
    encoder = MaskedTransformer(UCLA, 3, frames=FRAMES, width=16, depth=1, heads=2, patch_joints=2)
    return kind(encoder, decoder_depth=1, decoder_width=16, **{"seed": 0} | options).eval()


@pytest.mark.parametrize("kind", [MAE, MAMP, STJDMP])
@pytest.mark.parametrize("normalize", [True, False])
def test_perfect_predictions_are_the_clip_itself(kind: type, normalize: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    method, given = made(kind, normalize_target=normalize), batch()
    predict = method.predict

    def perfect(only: Batch) -> Prediction:
        hidden, _, target = predict(only)
        mean, variance = target.mean(dim=-1, keepdim=True), target.var(dim=-1, keepdim=True)
        return Prediction(hidden, (target - mean) / (variance + 1e-6).sqrt() if normalize else target, target)

    monkeypatch.setattr(method, "predict", perfect)
    found = hidden_tokens(method, given)
    clip = given.clip[0].permute(3, 1, 2, 0).numpy()
    np.testing.assert_allclose(found.guess, clip, atol=1e-4)
    assert found.hidden.shape == (2, FRAMES // 4, 20)
    np.testing.assert_array_equal(found.hidden[:, :, ::2], found.hidden[:, :, 1::2])
    hidden, _, _ = predict(given._replace(clip=given.clip[:1], index=given.index[:1]))
    np.testing.assert_array_equal(found.hidden[:, :, ::2].reshape(2, -1), hidden.numpy())


def test_the_same_is_hidden_whatever_the_seed_of_the_method_is() -> None:
    first, second = (hidden_tokens(made(MAMP, seed=seed), batch()) for seed in (3, None))
    np.testing.assert_array_equal(first.hidden, second.hidden)
    method = made(MAMP, seed=3)
    assert (hidden_tokens(method, batch(), seed=1).hidden != first.hidden).any()
    assert method.mask.draws.seed == 3


def test_prime_joints_are_those_whose_density_changes() -> None:
    method, given = made(STJDMP), batch()
    found = prime_joints(method, given)
    assert found.shape == (2, FRAMES // 4, 20)
    assert found[0].max() == 1
    assert not found[1].any(), "nobody is there"
    assert not found[:, 0].any()
    scores = method.scores(method.encoder.patches(given.clip[:1]))
    np.testing.assert_allclose(found[0, :, ::2], (scores[0] / scores[0].max()).numpy(), rtol=1e-5)
    torch.manual_seed(0)
    contrast = STJDCL(STGCN(UCLA, 3, base_channels=4), frames=FRAMES, width=8, queue=4).eval()
    assert prime_joints(contrast, given).shape == (2, FRAMES // 4, 20)


def test_attention_is_that_of_the_clip_with_nothing_hidden() -> None:
    method, given = made(MAMP), batch()
    found = attention(method, given)
    assert found.shape == (2, FRAMES // 4, 20)
    np.testing.assert_allclose(found.mean(axis=(1, 2)), 1, rtol=1e-5)
    np.testing.assert_array_equal(found[:, :, ::2], found[:, :, 1::2])
    np.testing.assert_allclose(found, attention(method, given._replace(clip=given.clip[:1])), rtol=1e-5)
    assert np.ptp(found[0]) > 1e-4
    np.testing.assert_array_equal(found, attention(LinearProbe(method.encoder, 3), given))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(MAE, ("hidden", "attention")), (MAMP, ("hidden", "attention")), (STJDMP, ("prime", "hidden", "attention"))],
)
def test_what_can_be_drawn(kind: type, expected: tuple[str, ...]) -> None:
    assert pictures_of(made(kind)) == expected
    assert pictures_of(LinearProbe(made(kind).encoder, 3)) == ("attention",)
    contrast = STJDCL(STGCN(UCLA, 3, base_channels=4), frames=FRAMES, width=8, queue=4)
    assert pictures_of(contrast) == ("prime",)


def test_methods_without_them_are_refused() -> None:
    method = Supervised(STGCN(UCLA, 3, base_channels=4), 3)
    with pytest.raises(DataError, match="Supervised knows no density of joints; give weights of STJD-MP"):
        prime_joints(method, batch())
    with pytest.raises(DataError, match="Supervised hides nothing; give weights of MAE"):
        hidden_tokens(method, batch())
    with pytest.raises(DataError, match="STGCN has no attention to draw; give weights whose encoder"):
        attention(method, batch())
