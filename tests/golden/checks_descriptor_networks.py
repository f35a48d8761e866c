# SPDX-License-Identifier: Apache-2.0
"""The networks of the descriptor paper: what the official ones give, the rules of their training, the vote."""

from __future__ import annotations

import numpy as np
import torch
from fixture import Fixture
from torch import Tensor
from weights_rule import weights_by_rule

from bonefide.config import load
from bonefide.conversion import descriptor_fusion
from bonefide.encoders.descriptor_resnet import DescriptorResNet
from bonefide.evaluation.vote import any_right, right_by_any
from bonefide.losses.soft_cross_entropy import soft_cross_entropy
from bonefide.methods.descriptor_fusion import DescriptorFusion
from bonefide.training.schedules import rate_at
from bonefide.types import Array, Batch, Scores

__all__ = ["CHECKS"]

_IMAGES = ("gd", "fdd", "jdd", "add", "lad")
_TOLERANCE = 1e-4


def check_single(fixture: Fixture) -> None:
    method = _official(fixture, ("gd",))
    clip = _pixels(fixture, "image").unsqueeze(0)
    assert torch.equal(clip[0, 0, 0], torch.tensor(fixture.arrays["input/image"][..., 0]))
    with torch.inference_mode():
        outputs, features = method.outputs(_batch(clip)), method.encoder(clip)
    assert outputs.branches is None
    _compare(fixture, {"logits": outputs.logits, "pooled": features.pooled})
    assert tuple(features.map.shape[2:]) == method.encoder.map_size(112)


def check_fused(fixture: Fixture) -> None:
    method = _official(fixture, _IMAGES)
    clip = torch.cat([_pixels(fixture, f"image_{name.upper()}") for name in _IMAGES]).unsqueeze(0)
    with torch.inference_mode():
        outputs, features = method.outputs(_batch(clip)), method.encoder(clip)
    assert outputs.branches is not None
    branches = outputs.branches
    pooled = dict(zip(_IMAGES, features.pooled.chunk(len(_IMAGES), dim=1), strict=True))
    found = {"logits_all": outputs.logits, "logits_12": branches["gd+fdd"], "logits_345": branches["jdd+add+lad"]}
    found |= {f"logits_{name.upper()}": branches[name] for name in _IMAGES}
    _compare(fixture, found | {f"pooled_{name.upper()}": pooled[name] for name in _IMAGES})


def check_train_rules(fixture: Fixture) -> None:
    arrays = fixture.arrays
    for classes in (10, 60, 120):
        heads, label = torch.tensor(arrays[f"input/logits_{classes}"]), torch.tensor(arrays[f"input/label_{classes}"])
        heads.requires_grad_()
        losses = torch.stack([soft_cross_entropy(each, label, right=0.8, wrong=0.1) for each in heads])
        np.testing.assert_allclose(losses.detach(), arrays[f"output/loss_per_head_{classes}"], rtol=1e-6)
        np.testing.assert_allclose(losses.sum().item(), arrays[f"output/loss_total_{classes}"], rtol=1e-6)
        losses.sum().backward()
        # The gradient is (sum of targets x softmax - targets) / N.
        total = 0.8 + 0.1 * (classes - 1)
        targets = total * heads.detach().softmax(dim=2) - len(label) * heads.grad
        expected = np.broadcast_to(arrays[f"output/target_{classes}"], targets.shape)
        np.testing.assert_allclose(targets, expected, atol=1e-5)
    for dataset, recipe in (("ntu", "ntu60_xsub"), ("ucla", "nwucla")):
        training = load.recipe(f"descriptor_fusion/{recipe}").training
        factors = [rate_at(training.schedule, epoch=epoch, step=3, steps=9, epochs=40) for epoch in range(40)]
        rates = training.optimizer.lr * np.array(factors)
        np.testing.assert_allclose(rates, arrays[f"output/lr_{dataset}_epochs_1_to_40"], rtol=1e-6)


def check_vote(fixture: Fixture) -> None:
    predictions, labels = fixture.arrays["input/pred"], fixture.arrays["input/label"]
    single = {name: _scores(predictions[:, 1 + place], labels) for place, name in enumerate(_IMAGES)}
    right = right_by_any(single)
    np.testing.assert_array_equal(right, fixture.arrays["output/counted_correct"].astype(bool))
    assert any_right(single) / 100 == float(fixture.arrays["output/accuracy_samples"])
    batches = [right[start : start + 32].mean() for start in range(0, len(right), 32)]
    np.testing.assert_allclose(np.mean(batches), fixture.arrays["output/accuracy_mean_of_batches"], rtol=1e-12)


def _official(fixture: Fixture, images: tuple[str, ...]) -> DescriptorFusion:
    """Our network with the weights of the official one, all of whose keys have a place or are known to be dead."""
    meta, converter = fixture.meta, descriptor_fusion.DescriptorFusion()
    state = weights_by_rule(meta["state_dict"])
    method = DescriptorFusion(DescriptorResNet(images), meta["num_classes"], images).eval()
    ours = converter.from_official(state)
    method.load_state_dict(ours, strict=True)
    assert {key.split(".")[0] for key in converter.ignored} == set(meta["unused_in_forward"])
    back = converter.to_official(ours)
    assert back.keys() == state.keys() - set(converter.ignored)
    assert all(torch.equal(back[key], state[key]) for key in back)
    return method


def _pixels(fixture: Fixture, name: str) -> Tensor:
    """(1, 3, H, W) uint8."""
    return torch.tensor(fixture.arrays[f"input/{name}"]).permute(2, 0, 1).unsqueeze(0)


def _batch(clip: Tensor) -> Batch:
    nothing = torch.zeros(len(clip), dtype=torch.int64)
    return Batch(clip, nothing, nothing)


def _scores(predicted: Array, labels: Array) -> Scores:
    classes = tuple(map(str, range(1 + int(max(predicted.max(), labels.max())))))
    names = np.array([f"sample{number}" for number in range(len(labels))])
    return Scores(names, np.eye(len(classes))[predicted], labels, classes, "last", {})


def _compare(fixture: Fixture, found: dict[str, Tensor | None]) -> None:
    expected = {key.removeprefix("output/"): fixture.arrays[key] for key in fixture.arrays if key.startswith("output/")}
    assert expected.keys() == found.keys()
    for name, array in expected.items():
        ours = found[name]
        assert ours is not None
        error = np.abs(ours.numpy() - array).max() / np.abs(array).max()
        assert error <= _TOLERANCE, f"{name}: relative error {error:.2e}"


CHECKS = {
    "descriptors_cnn": check_single,
    "descriptors_fuse5": check_fused,
    "descriptors_train_rules": check_train_rules,
    "descriptors_vote": check_vote,
}
