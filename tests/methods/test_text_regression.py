# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from bonefide.data.class_splits import ClassSplit
from bonefide.encoders.stgcn import STGCN
from bonefide.errors import DataError, ShapeError
from bonefide.layouts import layout
from bonefide.methods.text_regression import TextRegression
from bonefide.text.bank import TextBank
from bonefide.types import Batch, Features

COUNT, CLASSES, SPLIT = 3, 5, ClassSplit("mine", seen=(0, 2, 3), unseen=(1, 4))


def bank() -> TextBank:
    random = np.random.default_rng(0)
    kinds = {"definition": random.normal(size=(CLASSES, 1, 7)), "spatial_fine": random.normal(size=(CLASSES, 3, 7))}
    return TextBank(tuple("abcde"), kinds, {}, "made up")


def made(**options: Any) -> TextRegression:
    torch.manual_seed(0)
    encoder = STGCN(layout("utd20"), 3, base_channels=4)
    return TextRegression(encoder, CLASSES, bank(), SPLIT, **options)


def batch() -> Batch:
    clip = torch.randn(COUNT, 3, 8, 20, 1, generator=torch.Generator().manual_seed(1))
    return Batch(clip, torch.tensor([3, 0, 2]), torch.arange(COUNT))


@pytest.mark.parametrize("kind", ["definition", "spatial_fine"])
def test_scores_and_loss_are_those_of_the_formulas(kind: str) -> None:
    method = made(batch_norm=False, kind=kind, temperature=0.2)
    with torch.no_grad():
        pooled = method.encoder(batch().clip).pooled.double().numpy()
    weight, bias = (each.detach().double().numpy() for each in (method.to_text.weight, method.to_text.bias))
    cosines = np.zeros((COUNT, CLASSES))
    for sample in range(COUNT):
        mapped = weight @ pooled[sample] + bias
        for c in range(CLASSES):
            text = np.mean([row / np.linalg.norm(row) for row in bank().of(kind)[c]], axis=0)
            cosines[sample, c] = mapped @ text / np.linalg.norm(mapped) / np.linalg.norm(text)
    logits = method.outputs(batch()).logits
    assert logits is not None
    np.testing.assert_allclose(logits.detach(), cosines, atol=1e-6)
    sharp = np.exp(cosines[:, list(SPLIT.seen)] / 0.2)
    expected = np.mean([-np.log(sharp[i, place] / sharp[i].sum()) for i, place in enumerate((2, 0, 1))])
    np.testing.assert_allclose(method.losses(batch())["cross_entropy"].item(), expected, rtol=1e-5)


def test_several_kinds_stand_side_by_side() -> None:
    kinds = ("definition", "spatial_fine")
    method = made(batch_norm=False, kind=kinds)
    mapped = method.outputs(batch()).embedding
    assert mapped is not None
    alone = [made(kind=kind).class_vectors() for kind in kinds]
    expected = sum(part @ vectors.mT for part, vectors in zip(mapped.chunk(2, dim=1), alone, strict=True))
    expected = expected / mapped.norm(dim=1, keepdim=True) / 2**0.5
    logits = method.outputs(batch()).logits
    torch.testing.assert_close(logits, expected)


def test_only_the_map_learns() -> None:
    method = made().train()
    assert not method.encoder.training  # type: ignore[attr-defined]
    method.losses(batch())["cross_entropy"].backward()
    learns = [name for name, value in method.named_parameters() if value.grad is not None]
    assert learns == ["to_text.weight", "to_text.bias"]


def test_other_classes_are_scored_by_their_texts_alone() -> None:
    method = made().eval()
    other = TextBank(("x", "y"), {"definition": bank().of("definition")[[4, 2]]}, {}, "made up")
    encoder = STGCN(layout("utd20"), 3, base_channels=4)
    again = TextRegression(encoder, 2, other, ClassSplit("others", (0,), (1,)))
    again.load_weights({**method.weights(), "texts.definition": torch.from_numpy(other.of("definition")).float()})
    expected = method.outputs(batch()).logits
    assert expected is not None
    torch.testing.assert_close(again.eval().outputs(batch()).logits, expected[:, [4, 2]])
    torch.testing.assert_close(again.class_vectors(), method.class_vectors()[[4, 2]])


def test_the_scale_of_features_does_not_matter() -> None:
    method, plain = made().train(), made(batch_norm=False).train()

    def losses() -> list[float]:
        return [each.losses(batch())["cross_entropy"].item() for each in (method, plain)]

    before = losses()
    for each in (method, plain):
        each.encoder.register_forward_hook(_magnified)  # type: ignore[attr-defined]
    after = losses()
    assert after[0] == pytest.approx(before[0], rel=2e-2)
    assert after[1] != pytest.approx(before[1], rel=2e-2)


def _magnified(_: object, __: object, features: Features) -> Features:
    return features._replace(pooled=100 * features.pooled + 7)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match="temperature must be above 0, got 0"):
        made(temperature=0.0)
    with pytest.raises(DataError, match="no 'definitions'; did you mean 'definition'"):
        made(kind="definitions")
    with pytest.raises(ShapeError, match="at least one kind"):
        made(kind=())
    with pytest.raises(ShapeError, match="there are 4 classes, but texts of 5"):
        TextRegression(STGCN(layout("utd20"), 3, base_channels=4), 4, bank(), SPLIT)
