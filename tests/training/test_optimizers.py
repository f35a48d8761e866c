# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from bonefide.config.recipe import SGD, Adam, AdamW
from bonefide.errors import RecipeError, ShapeError
from bonefide.methods._method import Method, ParameterGroup
from bonefide.training.optimizers import build_optimizer
from bonefide.types import Batch


class Toy(Method):
    def __init__(self, groups: list[ParameterGroup] | None = None) -> None:
        super().__init__()
        self.linear, self.norm = nn.Linear(2, 3), nn.BatchNorm1d(3)
        self.scale = nn.Parameter(torch.ones(1))
        self.groups = groups

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        return {"loss": self.linear.weight.sum()}

    def parameter_groups(self) -> list[ParameterGroup]:
        return super().parameter_groups() if self.groups is None else self.groups


def decays(method: Toy, optimizer: torch.optim.Optimizer) -> dict[str, float]:
    names = {id(parameter): name for name, parameter in method.named_parameters()}
    return {names[id(each)]: group["weight_decay"] for group in optimizer.param_groups for each in group["params"]}


def test_everything_decays_by_default() -> None:
    method = Toy()
    found = decays(method, build_optimizer(method, SGD(name="sgd", lr=0.1, weight_decay=0.01)))
    assert found == dict.fromkeys(dict(method.named_parameters()), 0.01)


def test_biases_and_norms_are_spared_if_asked() -> None:
    method = Toy()
    found = decays(method, build_optimizer(method, AdamW(name="adamw", lr=0.1, weight_decay=0.01, decay="weights")))
    assert found == {
        "scale": 0.01,
        "linear.weight": 0.01,
        "linear.bias": 0,
        "norm.weight": 0,
        "norm.bias": 0,
    }


def test_patterns_give_decays_of_their_own_and_the_first_counts() -> None:
    method = Toy()
    decay_of = {"linear.*": 0.5, "*.weight": 0.2, "scale": 0.0}
    recipe = SGD(name="sgd", lr=0.1, weight_decay=0.01, decay="weights", decay_of=decay_of)
    assert decays(method, build_optimizer(method, recipe)) == {
        "scale": 0,
        "linear.weight": 0.5,
        "linear.bias": 0.5,
        "norm.weight": 0.2,
        "norm.bias": 0,
    }
    with pytest.raises(RecipeError, match=r"decay_of: no parameter fits '\*.mask'"):
        build_optimizer(method, SGD(name="sgd", lr=0.1, decay_of={"*.mask": 0.0}))


def test_groups_scale_the_rate_and_have_decays_of_their_own() -> None:
    groups = [
        ParameterGroup(("linear.weight", "linear.bias"), lr_scale=0.5),
        ParameterGroup(("norm.weight", "norm.bias", "scale"), weight_decay=0.3),
    ]
    method = Toy(groups)
    optimizer = build_optimizer(method, Adam(name="adam", lr=0.2, weight_decay=0.01, betas=(0.8, 0.9)))
    assert [(g["lr"], g["lr_scale"], g["weight_decay"]) for g in optimizer.param_groups] == [
        (0.1, 0.5, 0.01),
        (0.2, 1.0, 0.3),
    ]
    assert optimizer.param_groups[0]["betas"] == (0.8, 0.9)


def test_kinds_and_their_options() -> None:
    sgd = build_optimizer(Toy(), SGD(name="sgd", lr=0.1, momentum=0.9, nesterov=True))
    assert isinstance(sgd, torch.optim.SGD)
    assert (sgd.defaults["momentum"], sgd.defaults["nesterov"]) == (0.9, True)
    assert type(build_optimizer(Toy(), Adam(name="adam", lr=0.1))) is torch.optim.Adam
    assert type(build_optimizer(Toy(), AdamW(name="adamw", lr=0.1))) is torch.optim.AdamW


def test_a_group_of_an_unknown_parameter() -> None:
    with pytest.raises(ShapeError, match=r"names head\.weight, which Toy does not have"):
        build_optimizer(Toy([ParameterGroup(("head.weight",))]), SGD(name="sgd", lr=0.1))


def test_the_published_optimiser_of_hyperformer_and_blockgcn_decays_everything() -> None:
    method = Toy()
    optimizer = build_optimizer(
        method, SGD(name="sgd", lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.0004, decay="all")
    )
    weights, momenta = {}, {}
    for name, parameter in method.named_parameters():
        weights[name], momenta[name] = parameter.detach().clone(), torch.zeros_like(parameter)
    for _ in range(3):
        method.zero_grad()
        sum((parameter**3).sum() for parameter in method.parameters()).backward()
        optimizer.step()
        for name, weight in weights.items():
            gradient = 3 * weight**2 + 0.0004 * weight
            momenta[name] = 0.9 * momenta[name] + gradient
            weights[name] = weight - 0.05 * (gradient + 0.9 * momenta[name])
    for name, parameter in method.named_parameters():
        torch.testing.assert_close(parameter.detach(), weights[name])
