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
from bonefide.methods.nearest_seen import NearestSeen
from bonefide.text.bank import TextBank
from bonefide.types import Array, Batch, Features

COUNT, CLASSES, SPLIT = 4, 5, ClassSplit("mine", seen=(0, 2, 3), unseen=(4, 1))


def bank() -> TextBank:
    random = np.random.default_rng(0)
    kinds = {"name": random.normal(size=(CLASSES, 1, 7)), "spatial_fine": random.normal(size=(CLASSES, 3, 7))}
    return TextBank(tuple("abcde"), kinds, {}, "made up")


def made(**options: Any) -> NearestSeen:
    torch.manual_seed(0)
    encoder = STGCN(layout("utd20"), 3, base_channels=4)
    return NearestSeen(encoder, CLASSES, bank(), SPLIT, **{"head_deviation": 1.0, **options})


def batch() -> Batch:
    clip = torch.randn(COUNT, 3, 8, 20, 1, generator=torch.Generator().manual_seed(1))
    return Batch(clip, torch.tensor([3, 0, 2, 2]), torch.arange(COUNT))


def probabilities(method: NearestSeen) -> Array:
    with torch.no_grad():
        pooled = method.encoder(batch().clip).pooled.double().numpy()
    weight, bias = (each.detach().double().numpy() for each in (method.head.weight, method.head.bias))
    powers = np.exp(pooled @ weight.T + bias)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def direction(kind: str, label: int) -> Array:
    mean = np.mean([row / np.linalg.norm(row) for row in bank().of(kind)[label]], axis=0)
    return np.asarray(mean / np.linalg.norm(mean))


@pytest.mark.parametrize(("kind", "neighbors"), [("name", 1), ("name", 2), ("spatial_fine", 3)])
def test_scores_and_loss_are_those_of_the_formulas(kind: str, neighbors: int) -> None:
    method = made(batch_norm=False, kind=kind, neighbors=neighbors)
    p = probabilities(method)
    expected = np.zeros((COUNT, CLASSES))
    for sample in range(COUNT):
        for place, label in enumerate(SPLIT.seen):
            expected[sample, label] = p[sample, place]
        for label in SPLIT.unseen:
            for place in sorted(range(3), key=lambda place: -p[sample, place])[:neighbors]:
                cosine = direction(kind, label) @ direction(kind, SPLIT.seen[place])
                expected[sample, label] += p[sample, place] * cosine
    logits = method.outputs(batch()).logits
    assert logits is not None
    np.testing.assert_allclose(logits.detach(), expected, atol=1e-6)
    loss = -np.log(p[range(COUNT), [2, 0, 1, 1]]).mean()
    np.testing.assert_allclose(method.losses(batch())["cross_entropy"].item(), loss, rtol=1e-5)


def test_one_neighbour_never_says_an_unseen_class_of_its_own_accord() -> None:
    outputs = made().outputs(batch())
    assert outputs.logits is not None
    assert set(outputs.logits.argmax(dim=1).tolist()) <= set(SPLIT.seen)


def test_unseen_classes_are_in_the_order_of_their_angles_to_the_embedding() -> None:
    method = made(neighbors=2)
    outputs, unseen = method.outputs(batch()), list(SPLIT.unseen)
    assert outputs.embedding is not None
    assert outputs.logits is not None
    angles = torch.nn.functional.normalize(outputs.embedding, dim=1) @ method.class_vectors().mT
    assert torch.equal(outputs.logits[:, unseen].argsort(dim=1), angles[:, unseen].argsort(dim=1))


def test_texts_train_nothing_and_only_the_classifier_learns() -> None:
    method = made().train()
    assert not method.encoder.training  # type: ignore[attr-defined]
    method.losses(batch())["cross_entropy"].backward()
    learns = [name for name, value in method.named_parameters() if value.grad is not None]
    assert learns == ["head.weight", "head.bias"]


def test_a_classifier_takes_other_unseen_classes() -> None:
    method = made().eval()
    kept = TextBank(("a", "c", "d", "x"), {"name": bank().of("name")[[0, 2, 3, 1]]}, {}, "made up")
    encoder = STGCN(layout("utd20"), 3, base_channels=4)
    again = NearestSeen(encoder, 4, kept, ClassSplit("others", (0, 1, 2), (3,)))
    again.load_weights({**method.weights(), "texts.name": torch.from_numpy(kept.of("name")).float()})
    expected = method.outputs(batch()).logits
    assert expected is not None
    torch.testing.assert_close(again.eval().outputs(batch()).logits, expected[:, [0, 2, 3, 1]])


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
    for neighbors in (0, 4):
        with pytest.raises(ShapeError, match=f"neighbors must be from 1 to 3, the seen classes; got {neighbors}"):
            made(neighbors=neighbors)
    with pytest.raises(DataError, match="no 'definition'"):
        made(kind="definition")
    with pytest.raises(ShapeError, match="there are 6 classes, but texts of 5"):
        NearestSeen(STGCN(layout("utd20"), 3, base_channels=4), 6, bank(), SPLIT)
