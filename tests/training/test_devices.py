# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch

from bonefide.config.recipe import TrainingRecipe
from bonefide.errors import InstallationError
from bonefide.training.devices import accelerator, describe_device, resolve_device
from bonefide.training.trainer import build_trainer


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@pytest.mark.usefixtures("no_gpu")
def test_auto_without_a_gpu() -> None:
    assert resolve_device("auto") == "cpu"
    assert accelerator("auto") == ("cpu", 1)
    assert describe_device("cpu").startswith("cpu (")


@pytest.mark.usefixtures("two_gpus")
def test_auto_and_numbers_with_gpus() -> None:
    assert resolve_device("auto") == "cuda"
    assert accelerator("cuda:1") == ("cuda", [1])
    with pytest.raises(InstallationError, match=r"cuda:2 is not there: .* sees 2 GPUs"):
        resolve_device("cuda:2")


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize("device", ["cuda", "cuda:0"])
def test_a_gpu_that_is_not_there(device: str) -> None:
    with pytest.raises(InstallationError, match="use --device cpu"):
        resolve_device(device)


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize("device", ["gpu", "mps", "cuda:x", "cpu:1", ""])
def test_unknown_devices(device: str) -> None:
    with pytest.raises(InstallationError, match=f"no device '{device}' here; there are: auto, cpu"):
        resolve_device(device)


def test_half_precision_needs_a_gpu() -> None:
    recipe = TrainingRecipe.model_validate({"epochs": 1, "optimizer": {"name": "sgd", "lr": 0.1}})
    with pytest.raises(InstallationError, match="bf16 or 32"):
        build_trainer(recipe, device="cpu", precision="16")
