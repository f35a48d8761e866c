# SPDX-License-Identifier: Apache-2.0
"""What every method keeps; the folder says which there are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from bonefide.config.build import encoder as build_encoder
from bonefide.config.components import create, names
from bonefide.config.recipe import Component
from bonefide.data.class_splits import ClassSplit
from bonefide.errors import ShapeError
from bonefide.layouts import layout
from bonefide.methods._method import Method
from bonefide.text.bank import TextBank
from bonefide.types import Batch, Outputs

FRAMES, CLASSES, SEEN, COUNT = 8, 5, 4, 10
_KINDS = {"body_parts": 6} | dict.fromkeys(("name", "definition", "motion"), 1)
_KINDS |= dict.fromkeys(("spatial_coarse", "spatial_mid", "spatial_fine"), 1)
_KINDS |= dict.fromkeys(("temporal_1", "temporal_12", "temporal_123"), 1)
TEXTS = TextBank(
    tuple("abcde"),
    {kind: np.random.default_rng(7).normal(size=(CLASSES, count, 12)) for kind, count in _KINDS.items()},
    {},
    "random",
)

SMALL = {"decoder_depth": 1, "decoder_width": 16}
OPTIONS = {
    "descriptor_fusion": {"images": ["gd", "jdd"]},
    "mae": SMALL,
    "mamp": SMALL,
    "stjd_mp": SMALL,
    "smie": {"widths": (16, 16), "hidden_frames": 2},
    "star": {"attributes": 8, "width": 16, "hidden": 16},
    "stjd_cl": {"width": 16, "queue": COUNT, "temperature": 0.5, "warmup_epochs": 0},
}
"""What a method must be told besides; here the halves of the features stand for two images."""
ENCODERS = dict.fromkeys(("mae", "mamp", "stjd_mp"), ("masked_transformer", {"width": 16, "depth": 1, "heads": 2}))
"""Methods that take one encoder only; the others are tried around a small CTR-GCN."""

every = pytest.mark.parametrize("name", names("methods"))


def build(name: str) -> Method:
    torch.manual_seed(0)
    encoder_name, options = ENCODERS.get(name, ("ctrgcn", {"base_channels": 8}))
    encoder = build_encoder(encoder_name, layout=layout("ucla20"), persons=1, frames=FRAMES, options=options)
    labels = np.arange(COUNT) % SEEN
    given = {"encoder": encoder, "num_classes": CLASSES, "frames": FRAMES, "train_labels": labels}
    given |= {
        "layout": layout("ucla20"),
        "texts": TEXTS,
        "classes": ClassSplit("made", seen=tuple(range(SEEN)), unseen=(SEEN,)),
    }
    method: Method = create("methods", Component(name=name, **OPTIONS.get(name, {})), given)
    return method


def batch() -> Batch:
    """Clips whose class shows in where a joint is."""
    generator = torch.Generator().manual_seed(1)
    labels = torch.arange(COUNT) % SEEN
    clip = 0.1 * torch.randn(COUNT, 3, FRAMES, 20, 1, generator=generator)
    clip[torch.arange(COUNT), 0, :, labels] += 2
    return Batch(clip, labels, torch.arange(COUNT), joints=clip, view=torch.stack([clip.flip(2), 1.1 * clip], dim=1))


def total(losses: dict[str, Tensor]) -> Tensor:
    return torch.stack(list(losses.values())).sum()


def test_the_folder_was_read() -> None:
    assert "supervised" in names("methods")


@every
def test_losses_are_finite_scalars_with_gradients(name: str) -> None:
    method = build(name)
    losses = method.losses(batch())
    assert losses
    for each in losses.values():
        assert each.shape == ()
        assert each.isfinite()
    total(losses).backward()
    assert any(parameter.grad is not None and parameter.grad.any() for parameter in method.parameters())


@every
def test_steps_reduce_the_losses(name: str) -> None:
    method = build(name)
    optimizer = torch.optim.SGD(method.parameters(), lr=0.05)
    method.start_epoch(0)
    # What remembers samples has no others to tell them from before.
    method.losses(batch())
    seen = []
    for _ in range(3):
        optimizer.zero_grad()
        loss = total(method.losses(batch()))
        loss.backward()
        optimizer.step()
        seen.append(loss.item())
    assert seen[2] < seen[0], "after two steps the losses of the same batch are lower"


@every
def test_outputs_then_decide_scores_every_class_or_embeds(name: str) -> None:
    method = build(name).eval()
    with torch.inference_mode():
        outputs = method.outputs(batch())
        if method.judged_by_neighbors:
            assert outputs.embedding is not None
            assert outputs.embedding.shape == (COUNT, method.encoder.out_channels)
            assert len(outputs.embedding.unique(dim=0)) == COUNT, "samples differ"
            return
        for decided in (method.decide(outputs), method.decide_together(outputs)):
            assert decided.shape == (COUNT, CLASSES)
            assert decided.isfinite().all()


@every
def test_every_parameter_is_in_one_group(name: str) -> None:
    method = build(name)
    grouped = [each for group in method.parameter_groups() for each in group.names]
    assert sorted(grouped) == sorted(key for key, _ in method.named_parameters())


def test_a_method_must_say_what_it_does() -> None:
    bare = Method()
    with pytest.raises(TypeError, match="Method does not say its losses"):
        bare.losses(batch())
    with pytest.raises(TypeError, match="Method does not say its outputs"):
        bare.outputs(batch())
    with pytest.raises(ShapeError, match="no logits to decide with"):
        bare.decide(Outputs(embedding=torch.zeros(2, 3)))
