# SPDX-License-Identifier: Apache-2.0
"""STAR against its formulas, written out sample by sample, part by part, prompt by prompt."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bonefide.data.class_splits import ClassSplit
from bonefide.encoders.hcn import HCN
from bonefide.encoders.stgcn import STGCN
from bonefide.errors import DataError, ShapeError
from bonefide.layouts import layout
from bonefide.methods._six_parts import six_parts
from bonefide.methods.star import STAR
from bonefide.text.bank import TextBank
from bonefide.types import Batch

FRAMES, COUNT, CLASSES, WIDTH, HEADS, ATTRIBUTES = 4, 2, 5, 8, 2, 3
SPLIT = ClassSplit("mine", seen=(0, 2, 3), unseen=(4,))
"""Class 1 is in neither, as those that a rehearsal leaves out."""


def bank(**changed: Any) -> TextBank:
    random = np.random.default_rng(0)
    vectors = {"name": random.normal(size=(CLASSES, 1, 7)), "body_parts": random.normal(size=(CLASSES, 6, 7))}
    return TextBank(tuple("abcde"), vectors | changed, {}, "made up")


def made(texts: TextBank | None = None, **options: Any) -> STAR:
    torch.manual_seed(0)
    encoder = STGCN(layout("utd20"), 3, base_channels=4, dropout=0.0)
    given = {"layout": layout("utd20"), "frames": FRAMES, "attributes": ATTRIBUTES, "width": WIDTH, "heads": HEADS}
    method = STAR(encoder, CLASSES, texts or bank(), SPLIT, **{**given, "hidden": 6, **options}).double()
    with torch.no_grad():
        method.semantic_prompts.normal_(generator=torch.Generator().manual_seed(3))
    return method


def batch() -> Batch:
    clip = torch.randn(COUNT, 3, FRAMES, 20, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return Batch(clip, torch.tensor([3, 0]), torch.arange(COUNT))


def weights(method: STAR) -> dict[str, Tensor]:
    return dict(method.named_parameters())


def part_vector(values: dict[str, Tensor], part: int, features: Tensor, joints: tuple[int, ...]) -> Tensor:
    """r_i of one sample whose features are (D, T, V)."""
    own = {name.removeprefix(f"parts.{part}."): value for name, value in values.items()}

    def linear(name: str, x: Tensor) -> Tensor:
        return own[f"{name}.weight"] @ x + own[f"{name}.bias"]

    tokens = [features[:, frame, joint] for frame in range(features.shape[1]) for joint in joints]
    told = [linear("tell", token) for token in tokens]
    found = []
    for prompt in own["prompts"]:
        question, attended = linear("ask", prompt), []
        for head in range(HEADS):
            place = slice(head * WIDTH // HEADS, (head + 1) * WIDTH // HEADS)
            scores = torch.stack([question[place] @ each[:WIDTH][place] for each in told]) / math.sqrt(WIDTH // HEADS)
            shares = scores.exp() / scores.exp().sum()
            attended.append(sum(share * each[WIDTH:][place] for share, each in zip(shares, told, strict=True)))
        answer = linear("answer", linear("widen", linear("join", torch.cat(attended))).clamp(min=0))
        found.append(prompt @ own["compare"] @ answer)
    return torch.stack(found)


def network(values: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    hidden = (values[f"{name}.0.weight"] @ x + values[f"{name}.0.bias"]).clamp(min=0)
    return values[f"{name}.2.weight"] @ hidden + values[f"{name}.2.bias"]


def cosine(a: Tensor, b: Tensor) -> Tensor:
    return a @ b / (a.norm() * b.norm())


def surprise(scores: list[Tensor], right: int) -> Tensor:
    return torch.stack(scores).exp().sum().log() - scores[right]


def plain(method: STAR, samples: Batch, texts: TextBank) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Cosines of all classes, vectors r, and losses without their weights."""
    classes = [0, 2, 3, 4]
    values = weights(method)
    with torch.no_grad():
        maps = method.encoder(samples.clip).map
    persons = (maps[:, 0] + maps[:, 1]) / 2
    r = [
        [part_vector(values, part, each, joints) for part, joints in enumerate(six_parts(layout("utd20")))]
        for each in persons
    ]
    about = {kind: torch.from_numpy(texts.of(kind)).float().double() for kind in texts.kinds}
    u = [network(values, "label_text", about["name"][c, 0]) for c in range(CLASSES)]
    w = [
        [
            network(values, f"part_texts.{part}", about["body_parts"][c, part] + values["semantic_prompts"][c])
            for c in range(CLASSES)
        ]
        for part in range(6)
    ]
    whole = [sum(each[1:], each[0]) for each in r]
    places = [SPLIT.seen.index(int(label)) for label in samples.label]
    surprises = [surprise([cosine(a, u[c]) for c in SPLIT.seen], place) for a, place in zip(whole, places, strict=True)]
    of_parts = [
        surprise([cosine(r[sample][part], w[part][c]) for c in SPLIT.seen], places[sample])
        for part in range(6)
        for sample in range(COUNT)
    ]
    agreement = [surprise([w[part][c] @ u[k] for k in classes], classes.index(c)) for part in range(6) for c in classes]
    losses = {"whole": surprises, "parts": of_parts, "agreement": agreement}
    scores = torch.stack([torch.stack([cosine(a, each) for each in u]) for a in whole])
    return scores, torch.stack(whole), {name: torch.stack(each).mean() for name, each in losses.items()}


def test_values_and_gradients_are_those_of_the_formulas() -> None:
    method = made()
    scores, vectors, losses = plain(method, batch(), bank())
    found = method.losses(batch())
    for name, factor in zip(found, (0.1, 1.0, 0.1), strict=True):
        torch.testing.assert_close(found[name], factor * losses[name], rtol=1e-9, atol=1e-12)
    outputs = method.outputs(batch())
    torch.testing.assert_close(outputs.logits, scores, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(outputs.embedding, vectors, rtol=1e-9, atol=1e-12)

    names, learns = zip(
        *[item for item in method.named_parameters() if not item[0].startswith("encoder.")], strict=True
    )
    got = torch.autograd.grad(torch.stack(list(found.values())).sum(), learns)
    expected = torch.autograd.grad(0.1 * losses["whole"] + losses["parts"] + 0.1 * losses["agreement"], learns)
    for name, one, other in zip(names, got, expected, strict=True):
        assert other.any(), name
        torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-12, msg=name)


def test_texts_of_unseen_classes_may_be_kept_out() -> None:
    def grads(unseen_texts: bool) -> list[bool]:
        method = made(unseen_texts=unseen_texts)
        method.losses(batch())["agreement"].backward()
        assert method.semantic_prompts.grad is not None
        return method.semantic_prompts.grad.any(dim=1).tolist()

    assert grads(True) == [True, False, True, True, True]
    assert grads(False) == [True, False, True, True, False]


def test_the_score_is_the_cosine_of_embedding_and_class_vector() -> None:
    method = made().eval()
    outputs = method.outputs(batch())
    assert outputs.embedding is not None
    expected = torch.nn.functional.cosine_similarity(
        outputs.embedding.unsqueeze(1), method.class_vectors().unsqueeze(0), dim=2
    )
    torch.testing.assert_close(outputs.logits, expected)


def test_the_encoder_learns_nothing() -> None:
    method = made()
    assert not method.encoder.training  # type: ignore[attr-defined]
    before = {name: value.clone() for name, value in method.state_dict().items() if name.startswith("encoder.")}
    torch.stack(list(method.train().losses(batch()).values())).sum().backward()
    assert all(value.grad is None for name, value in method.named_parameters() if name.startswith("encoder."))
    assert all(torch.equal(method.state_dict()[name], value) for name, value in before.items())


def test_the_order_of_persons_does_not_matter() -> None:
    method, samples = made().eval(), batch()
    swapped = samples._replace(clip=samples.clip.flip(4))
    torch.testing.assert_close(method.outputs(samples).logits, method.outputs(swapped).logits)


def test_a_recogniser_needs_no_texts_about_parts_and_takes_other_classes() -> None:
    method, samples = made().eval(), batch()
    weights = method.weights()
    assert [name for name in weights if name.startswith("texts.")] == ["texts.name"]
    assert not any("semantic" in name or "part_texts" in name for name in weights)
    other = TextBank(("x", "y"), {"name": bank().of("name")[[4, 1]]}, {}, "made up")
    split = ClassSplit("others", (0,), (1,))
    again = STAR(
        STGCN(layout("utd20"), 3, base_channels=4, dropout=0.0), 2, other, split,
        layout=layout("utd20"), frames=FRAMES, attributes=ATTRIBUTES, width=WIDTH, heads=HEADS, hidden=6,
    ).double()  # fmt: skip
    again.load_weights({**weights, "texts.name": torch.from_numpy(other.of("name"))})
    expected = method.outputs(samples).logits
    assert expected is not None
    torch.testing.assert_close(again.eval().outputs(samples).logits, expected[:, [4, 1]], rtol=1e-5, atol=1e-6)
    with pytest.raises(DataError, match="trains with texts 'body_parts'"):
        again.losses(samples._replace(label=torch.zeros(COUNT, dtype=torch.long)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attributes": 0}, "must be at least 1"),
        ({"width": 9}, "a multiple of heads; got 3, 9, 2 and 6"),
        ({"loss_weights": (1.0, -1.0, 0.0)}, "loss_weights must be at least 0"),
        ({"frames": None}, "needs layout, of the joints, and frames"),
        ({"layout": None}, "needs layout, of the joints, and frames"),
        ({"layout": layout("ntu25")}, "keeps the 25 joints of ntu25 apart; the map of STGCN has 20"),
    ],
)
def test_what_does_not_fit_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        made(**options)


def test_encoders_that_fold_joints_are_refused() -> None:
    given: dict[str, Any] = {"layout": layout("ucla20"), "frames": 16}
    with pytest.raises(ShapeError, match="along its 'coordinate' axis"):
        STAR(HCN(layout("ucla20"), 3, persons=1, frames=16), CLASSES, bank(), SPLIT, **given)


def test_texts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DataError, match="must be about head, hand, arm, hip, leg, foot, got 5"):
        made(bank(body_parts=np.zeros((CLASSES, 5, 7))))
    with pytest.raises(ShapeError, match="there are 5 classes, but texts of 4"):
        made(bank().rows([0, 1, 2, 3]))
