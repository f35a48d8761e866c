# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from bonefide.data.class_splits import ClassSplit
from bonefide.encoders.stgcn import STGCN
from bonefide.errors import DataError, ShapeError
from bonefide.layouts import layout
from bonefide.losses.kl_alignment import kl_alignment
from bonefide.methods._alignment import align, align_running
from bonefide.methods.pgfa import PGFA
from bonefide.text.bank import TextBank
from bonefide.types import Batch, Outputs

CLASSES, WIDTH = 6, 7
SPLIT = ClassSplit("made", seen=(0, 1, 3, 4), unseen=(5, 2))
TEXT = np.random.default_rng(5).normal(size=(CLASSES, 1, WIDTH)).astype(np.float32)


def bank(text: Any = TEXT) -> TextBank:
    return TextBank(tuple("abcdef"), {"definition": text}, {}, "random")


def made(**options: Any) -> PGFA:
    torch.manual_seed(0)
    encoder = STGCN(layout("ucla20"), 3, base_channels=4, dropout=0.0, init="default")
    return PGFA(encoder, CLASSES, options.pop("texts", bank()), SPLIT, **options)


def clips(count: int = 8, seed: int = 1) -> Tensor:
    return torch.randn(count, 3, 8, 20, 1, generator=torch.Generator().manual_seed(seed))


def batch(count: int = 8) -> Batch:
    label = torch.tensor(SPLIT.seen)[torch.arange(count) % 4]
    return Batch(clips(count), label, torch.arange(count))


def test_texts_are_those_of_the_labels() -> None:
    method = made()
    features = method.head(method.encoder(batch().clip).pooled)
    text = torch.from_numpy(TEXT[:, 0])[batch().label]
    expected = kl_alignment(features, text, batch().label, scale=1 / 0.07)
    assert method.losses(batch())["alignment"].allclose(expected)


def test_it_learns_end_to_end_until_samples_find_their_texts() -> None:
    method = made()
    optimizer = torch.optim.SGD(method.parameters(), lr=0.02, momentum=0.9)
    for _ in range(15):
        optimizer.zero_grad()
        method.losses(batch())["alignment"].backward()
        optimizer.step()
    learned = [name for name, each in method.named_parameters() if each.grad is not None and each.grad.any()]
    assert {name.split(".")[0] for name in learned} == {"encoder", "head"}
    logits = method.outputs(batch()).logits
    assert logits is not None
    seen = list(SPLIT.seen)
    assert torch.equal(torch.tensor(seen)[logits[:, seen].argmax(dim=1)], batch().label)
    assert logits.abs().max() <= 1 + 1e-6


def test_the_scale_is_a_constant_unless_it_is_to_be_learned() -> None:
    assert not any("scale" in name for name, _ in made().named_parameters())
    method = made(learn_scale=True)
    method.losses(batch())["alignment"].backward()
    assert method.log_scale is not None
    assert method.log_scale.exp().item() == pytest.approx(1 / 0.07)
    assert method.log_scale.grad is not None
    assert method.log_scale.grad != 0
    assert method.weights().keys() == made().weights().keys()
    method.load_weights(made().weights())


def test_several_sentences_are_averaged() -> None:
    several = np.concatenate([TEXT, np.zeros_like(TEXT), 2 * TEXT], axis=1)
    one, other = (made(texts=bank(each)).eval().outputs(batch()).logits for each in (TEXT, several))
    assert one is not None
    assert other is not None
    assert one.allclose(other, atol=1e-6)


def outputs_of(count: int = 40) -> Outputs:
    features = torch.randn(count, WIDTH, generator=torch.Generator().manual_seed(2))
    return Outputs(torch.zeros(count, CLASSES), features)


def test_deciding_together_aligns_the_unseen_classes_in_their_columns() -> None:
    method = made(alpha=0.5, iterations=2, interpolate=0.25)
    found = method.decide_together(outputs_of())
    texts = torch.from_numpy(TEXT[list(SPLIT.unseen), 0])
    features = outputs_of().embedding
    assert features is not None
    expected = align(features, texts, 0.5, iterations=2, interpolate=0.25).similarities
    assert torch.equal(found[:, list(SPLIT.unseen)], expected)
    assert (found[:, list(SPLIT.seen)] < expected.min()).all()
    running = made(alpha=0.5, streaming=16).decide_together(outputs_of())
    assert torch.equal(running[:, list(SPLIT.unseen)], align_running(features, texts, 0.5, batch=16))
    with pytest.raises(ShapeError, match="aligned by their features"):
        method.decide_together(Outputs(torch.zeros(2, CLASSES)))


def test_exemplars_stand_for_unseen_classes_only() -> None:
    exemplars = clips(2, seed=9)
    method = made(anchors="exemplar", exemplars=exemplars.numpy()).eval()
    with torch.inference_mode():
        found = method.outputs(batch()).logits
        plain = made().eval().outputs(batch()).logits
        anchors = method.outputs(Batch(exemplars, torch.zeros(2), torch.zeros(2)))
    assert found is not None
    assert plain is not None
    assert anchors.embedding is not None
    assert anchors.logits is not None
    # Each exemplar is most like itself, the first of them being of class 5.
    assert anchors.logits.argmax(dim=1).tolist() == list(SPLIT.unseen)
    assert found[:, list(SPLIT.seen)].allclose(plain[:, list(SPLIT.seen)], atol=1e-6)
    assert "texts.exemplars" in method.weights()
    joined = Outputs(torch.zeros(40, CLASSES), anchors.embedding[torch.zeros(40, dtype=torch.long)])
    kept = method.decide_together(joined)[0, SPLIT.unseen[1]]
    expected = F.cosine_similarity(anchors.embedding[0], anchors.embedding[1], dim=0)
    assert kept.allclose(expected, atol=1e-5), "a class without samples keeps its exemplar"
    text = made(anchors="exemplar", exemplars=exemplars.numpy(), fallback="text").eval()
    expected = F.cosine_similarity(anchors.embedding[0], torch.from_numpy(TEXT[2, 0]), dim=0)
    assert text.decide_together(joined)[0, SPLIT.unseen[1]].allclose(expected, atol=1e-5), "or its text"


def test_half_precision_tells_similarities_apart() -> None:
    method = made()
    plain = method.losses(batch())["alignment"]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        low = method.losses(batch())["alignment"]
    assert low.dtype == torch.float32
    assert low.allclose(plain, rtol=0.1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"alpha": 1.5}, "alpha and interpolate"),
        ({"interpolate": -0.5}, "alpha and interpolate"),
        ({"weight": -1.0}, "weight at least 0"),
        ({"iterations": 0}, "iterations and streaming"),
        ({"streaming": 0}, "iterations and streaming"),
        ({"anchors": "exemplar"}, "one clip of each of the 2 unseen classes, got none"),
        ({"anchors": "exemplar", "exemplars": np.zeros((3, 3, 8, 20, 1))}, "2 unseen classes, got 3"),
    ],
)
def test_options_out_of_range(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        made(**options)


def test_texts_that_are_not_there() -> None:
    with pytest.raises(DataError, match="no 'motion'"):
        made(text="motion")
