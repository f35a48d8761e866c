# SPDX-License-Identifier: Apache-2.0
"""CSRE against the official code: decomposition, contrast with the memory, the whole objective, the whole network."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from checks_hyperformer import identities
from fixture import Fixture
from torch import Tensor
from torch.nn import functional as F
from weights_rule import filled, tensor_of, weights_by_rule

from bonefide.conversion import csre
from bonefide.encoders.hyperformer import Hyperformer
from bonefide.layouts import layout
from bonefide.methods._decomposition import Decomposition
from bonefide.methods._memory import Memory
from bonefide.methods.csre import CSRE
from bonefide.methods.supervised import Supervised
from bonefide.types import Array

__all__ = ["CHECKS"]

_OURS = {
    "conv1": "squeeze_spatial",
    "convs": "project_spatial",
    "conv2": "squeeze_temporal",
    "convt": "project_temporal",
}


def _tensor(fixture: Fixture, name: str) -> Tensor:
    return torch.tensor(fixture.arrays[f"input/{name}"])


def _same_loss(ours: Tensor, fixture: Fixture, name: str = "loss") -> None:
    expected = fixture.arrays[f"output/{name}"].reshape(())
    np.testing.assert_allclose(ours.detach().numpy(), expected, rtol=1e-5, atol=1e-6)


def _same_gradient(ours: Tensor | None, expected: Array) -> None:
    assert ours is not None
    error = np.abs(ours.numpy() - expected).max()
    assert error <= 1e-4 * np.abs(expected).max(), f"gradient off by {error:.2e} of {np.abs(expected).max():.2e}"


def _renamed(name: str) -> str:
    layer, kind = name.split(".")
    return f"{_OURS[layer]}.{kind}"


def check_decomposition(fixture: Fixture) -> None:
    config = fixture.meta["config"]
    size = config["in_channels"], config["window_out"], config["num_point"]
    unit = Decomposition(size, width=config["out_channels"], reduction=config["rel_reduction"])
    official = weights_by_rule(fixture.meta["state_dict_keys"])
    unit.load_state_dict({_renamed(name): value for name, value in official.items()})
    x = _tensor(fixture, "x").requires_grad_()
    found = dict(zip("st", unit(x.unflatten(0, (config["N"], config["M"]))), strict=True))
    alone = dict(zip("st", unit(x.unsqueeze(1)), strict=True))
    for branch in "st":
        for name, ours in ((branch, found), (f"{branch}_per_person", alone)):
            expected = fixture.arrays[f"output/{name}"]
            np.testing.assert_allclose(ours[branch].detach().numpy(), expected, rtol=1e-5, atol=1e-5)
    sum((found[branch] * _tensor(fixture, f"grad_{branch}")).sum() for branch in "st").backward()
    gradients = {f"grad_x_sum_{axes}": x.grad.sum(dim=dims) for axes, dims in _SUMS.items()}  # type: ignore[union-attr]
    parameters = dict(unit.named_parameters())
    for name in fixture.arrays:
        if name.startswith("output/grad_param/"):
            official, _, summed = name.removeprefix("output/grad_param/").partition("_")
            of = parameters[_renamed(official)].grad
            gradients[name.removeprefix("output/")] = of.sum(dim=1) if summed else of  # type: ignore[union-attr]
    assert len(gradients) == sum(name.startswith("output/grad") for name in fixture.arrays)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient.numpy(), fixture.arrays[f"output/{name}"], rtol=1e-4, atol=1e-5)


_SUMS = {"CT": (1, 2), "CV": (1, 3), "TV": (2, 3)}


def _memory(config: dict[str, Any], labels: Array) -> Memory:
    return Memory(
        labels,
        max(config["num_classes"], int(labels.max()) + 1),
        width=config["channels"],
        positives=config["positive_num"],
        negatives=config["negative_num"],
        temperature=config["temperature"],
        seed=0,
    )


def check_loss(fixture: Fixture) -> None:
    """The same vectors go through both branches, which must agree."""
    memory = _memory(fixture.meta["config"], fixture.arrays["input/label_all"])
    for bank in (memory.spatial, memory.temporal):
        bank.copy_(_tensor(fixture, "bank"))
    memory.filled.copy_(_tensor(fixture, "bank_flag").bool())
    vectors = [_tensor(fixture, "f").requires_grad_() for _ in range(2)]
    rank, index = _tensor(fixture, "random_rank"), _tensor(fixture, "index")
    found = memory(*vectors, _tensor(fixture, "label"), index, random_ranks=(rank, rank))
    for loss, vector, bank in zip(found, vectors, (memory.spatial, memory.temporal), strict=True):
        assert loss.shape == ()
        _same_loss(loss, fixture)
        loss.backward()
        _same_gradient(vector.grad, fixture.arrays["output/grad_f"])
        np.testing.assert_allclose(bank[index].numpy(), fixture.arrays["output/bank_rows"], atol=1e-6)
    np.testing.assert_array_equal(memory.filled.numpy(), fixture.arrays["output/bank_flag"] > 0)


def check_trajectory(fixture: Fixture) -> None:
    labels = fixture.arrays["input/label_all"]
    memory = _memory(fixture.meta["config"], labels)
    steps = zip(*(_tensor(fixture, name) for name in ("f", "index", "random_rank")), strict=True)
    for step, (vectors, index, ranks) in enumerate(steps):
        vectors.requires_grad_()
        rank = ranks[: int(fixture.arrays["output/n_valid"][step])]
        label = torch.from_numpy(labels)[index]
        loss, _ = memory(vectors, vectors.detach(), label, index, random_ranks=(rank, rank))
        loss.backward()
        np.testing.assert_allclose(loss.detach().numpy(), fixture.arrays["output/loss"][step], rtol=1e-5, atol=1e-6)
        _same_gradient(vectors.grad, fixture.arrays["output/grad_f"][step])
    np.testing.assert_allclose(memory.spatial.numpy(), fixture.arrays["output/bank"], atol=1e-6)
    np.testing.assert_array_equal(memory.filled.numpy(), fixture.arrays["output/bank_flag"] > 0)


def check_total(fixture: Fixture) -> None:
    config = fixture.meta["config"]
    memory = _memory(config, fixture.arrays["input/label_all"])
    memory.spatial.copy_(_tensor(fixture, "bank_s"))
    memory.temporal.copy_(_tensor(fixture, "bank_t"))
    memory.filled.copy_(_tensor(fixture, "bank_flag").bool())
    given = {name: _tensor(fixture, name).requires_grad_() for name in ("logits", "x_s", "x_t")}
    label, index = _tensor(fixture, "label"), _tensor(fixture, "index")
    ranks = _tensor(fixture, "random_rank_s"), _tensor(fixture, "random_rank_t")
    spatial, temporal = memory(given["x_s"], given["x_t"], label, index, random_ranks=ranks)
    contrast = config["branch_weights"][0] * spatial + config["branch_weights"][1] * temporal
    cross_entropy = F.cross_entropy(given["logits"], label)
    total = cross_entropy + contrast
    found = {"ce": cross_entropy, "loss_s": spatial, "loss_t": temporal, "contrast": contrast, "total": total}
    for name, value in found.items():
        _same_loss(value, fixture, name)
    total.backward()
    for name, tensor in given.items():
        _same_gradient(tensor.grad, fixture.arrays[f"output/grad_{name}"])


def check_network(fixture: Fixture) -> None:
    """The official weights through the converter, as a plain recogniser, and as the method with its decomposition."""
    meta, config = fixture.meta, fixture.meta["config"]
    clip, classes = _tensor(fixture, "x"), config["num_class"]
    official = _chirped(meta["state_dict_keys"]) if meta["chirp"] else _plain(meta["state_dict_keys"])
    skeleton = layout("ucla20" if config["num_point"] == 20 else "ntu25")
    encoder = Hyperformer(skeleton, clip.shape[1], persons=clip.shape[-1])
    labels = np.arange(classes)
    method = CSRE(encoder, classes, frames=config["window"], train_labels=labels).eval()
    decomposition = {key: value for key, value in official.items() if key.startswith("std.")}
    for key, value in decomposition.items():
        method.decomposition.get_parameter(_renamed(key.removeprefix("std."))).data.copy_(value)
    method.load_weights(csre.CSRE().from_official(official))
    plain = Supervised(Hyperformer(skeleton, clip.shape[1], persons=clip.shape[-1]), classes).eval()
    plain.load_state_dict(method.weights(), strict=True)
    with torch.inference_mode():
        features = encoder(clip)
        spatial, temporal = method.decomposition(features.map)
        logits = method.head(features.pooled)
        assert torch.equal(plain.head(plain.encoder(clip).pooled), logits)
    folded = features.map.flatten(0, 1)
    found = {
        "logits": logits,
        "x_s": spatial,
        "x_t": temporal,
        "feature_mean_T": folded.mean(dim=2)[:, ::8],
        "feature_mean_V": folded.mean(dim=3)[:, ::8],
        "feature_mean_TV": folded.mean(dim=(2, 3)),
    }
    for name, ours in found.items():
        expected = fixture.arrays[f"output/{name}"]
        np.testing.assert_allclose(ours.numpy(), expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max(), err_msg=name)


def _plain(keys: list[tuple[str, list[int]]]) -> dict[str, Tensor]:
    return weights_by_rule(keys, special={key: identities for key, _ in keys if key.endswith("attn.outer")})


def _chirped(keys: list[tuple[str, list[int]]]) -> dict[str, Tensor]:
    """The variant of the rule under which attention matters."""
    state = {}
    for position, (key, shape) in enumerate(keys):
        steps = np.arange(math.prod(shape), dtype=np.float64)
        wave = np.sin(0.37 * position + 0.11 * steps + 0.017 * steps**2).reshape(shape)
        value = filled(key, wave)
        if key.endswith("attn.alpha"):
            value = np.ones_like(wave)
        elif key.endswith(("attn.rpe", "attn.w1")):
            value = 4 * value
        state[key] = tensor_of(key, value)
    return state


CHECKS = {
    "csre_stfd_": check_decomposition,
    "csre_loss_": check_loss,
    "csre_bank_trajectory": check_trajectory,
    "csre_total_": check_total,
    "csre_hyperformer_": check_network,
}
