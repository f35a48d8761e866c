# SPDX-License-Identifier: Apache-2.0
"""What every encoder keeps; the folder says which there are."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from bonefide import layouts
from bonefide.config.build import encoder as build_encoder
from bonefide.config.components import component, names
from bonefide.errors import ShapeError
from bonefide.types import Features

FRAMES, PERSONS = 16, 2
SMALL: dict[str, dict[str, Any]] = {
    "agcn": {"base_channels": 8},
    "blockgcn": {"base_channels": 8},
    "ctrgcn": {"base_channels": 8},
    "hcn": {"base_channels": 8, "dropout": 0.0},
    "hyperformer": {"heads": 1},
    "masked_transformer": {"width": 32, "depth": 2, "heads": 4},
    "shiftgcn": {"base_channels": 8},
    "stgcn": {"base_channels": 8},
}
"""Options that make an encoder small; an encoder without an entry is built as published."""
FRAMES_OF: dict[str, int] = {"hcn": 16, "masked_transformer": 4, "shiftgcn": 4}
"""Encoders that take multiples of so many frames only, as published; the others take any number."""

ELSEWHERE = {"descriptor_resnet": "reads images; tests/encoders/test_descriptor_resnet.py asks the same of it"}
"""Encoders of something else than clips, which therefore cannot be asked here."""
CLIPS = tuple(name for name in names("encoders") if name not in ELSEWHERE)

every = pytest.mark.parametrize("name", CLIPS)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def build(name: str, *, layout: str = "ucla20", persons: int = PERSONS, frames: int = FRAMES) -> Any:
    return build_encoder(
        name, layout=layouts.layout(layout), persons=persons, frames=frames, options=SMALL.get(name, {})
    )


def settled(name: str, **options: Any) -> Any:
    """An encoder as training leaves it: nothing zero, statistics moved, in evaluation."""
    made = build(name, **options)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        for module in made.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.7, 1.3)
    return made.eval()


def clips(count: int, *, layout: str = "ucla20", persons: int = PERSONS, frames: int = FRAMES) -> Tensor:
    return torch.randn(count, 3, frames, len(layouts.layout(layout).joints), persons)


def encode(encoder: Any, clip: Tensor) -> Features:
    joints = clip if encoder.needs_joints else None
    return encoder(clip, joints)


def test_the_folder_was_read() -> None:
    assert "ctrgcn" in CLIPS
    others = {name for name in names("encoders") if getattr(component("encoders", name), "reads_images", False)}
    assert others == set(ELSEWHERE)


@every
@pytest.mark.parametrize("frames", [FRAMES, 13, 1])
def test_the_map_is_as_announced(name: str, frames: int) -> None:
    if frames % FRAMES_OF.get(name, 1):
        # Those that are told the length refuse it when they are built.
        for refused in (
            lambda: build(name, frames=frames).map_size(frames),
            lambda: encode(build(name, frames=frames), clips(3, frames=frames)),
        ):
            with pytest.raises(ShapeError, match=rf"multiple of {FRAMES_OF[name]} .*got {frames}"):
                refused()
        return
    encoder = build(name, frames=frames)
    features = encode(encoder, clips(3, frames=frames))
    assert features.map.shape == (3, PERSONS, *encoder.map_size(frames))
    assert features.pooled.shape == (3, encoder.out_channels)
    assert encoder.map_axis in {"joint", "coordinate"}
    if encoder.map_axis == "joint":
        assert encoder.map_size(frames)[2] == 20


@every
@pytest.mark.parametrize("layout", layouts.names())
def test_every_layout(name: str, layout: str) -> None:
    encoder = settled(name, layout=layout, persons=1)
    features = encode(encoder, clips(2, layout=layout, persons=1))
    assert features.map.shape == (2, 1, *encoder.map_size(FRAMES))
    for each in features:
        assert each.isfinite().all()
        assert each.std() > 0


@every
def test_gradients_reach_every_parameter(name: str) -> None:
    encoder = settled(name).train()
    clip = clips(4).requires_grad_()
    features = encode(encoder, clip)
    (features.pooled * torch.randn_like(features.pooled)).sum().backward()
    unreached = [key for key, each in encoder.named_parameters() if each.grad is None or not each.grad.abs().max() > 0]
    assert not unreached
    assert all(each.grad.isfinite().all() for each in encoder.parameters())
    assert clip.grad is not None
    assert (clip.grad.abs().amax(dim=(0, 1, 2)) > 0).all(), "every joint of every person counts"


@every
def test_a_fresh_network_learns_from_the_first_step(name: str) -> None:
    encoder = build(name).train()
    features = encode(encoder, clips(4))
    assert features.pooled.isfinite().all()
    features.pooled.square().sum().backward()
    assert sum(bool(each.grad is not None and each.grad.any()) for each in encoder.parameters()) > 3


@every
def test_evaluation_is_deterministic_and_a_sample_does_not_know_its_batch(name: str) -> None:
    encoder, clip = settled(name), clips(5)
    with torch.inference_mode():
        whole, again = encode(encoder, clip), encode(encoder, clip)
        order = torch.tensor([3, 0, 4, 2, 1])
        shuffled = encode(encoder, clip[order])
        alone = encode(encoder, clip[2:3])
    for each in range(2):
        assert torch.equal(whole[each], again[each])
        # Untrained networks may make large numbers, of which float32 knows so many digits.
        near = 1e-5 * max(1.0, whole[each].abs().max().item())
        torch.testing.assert_close(shuffled[each], whole[each][order], rtol=1e-4, atol=near)
        torch.testing.assert_close(alone[each], whole[each][2:3], rtol=1e-4, atol=near)


@every
def test_absent_persons_say_the_same_together_as_alone(name: str) -> None:
    """An encoder may compute once what repeats."""
    encoder, clip = settled(name), clips(4)
    clip[1:, ..., 1] = 0
    clip[2, ..., 0] = 0
    with torch.inference_mode():
        together = encode(encoder, clip)
        alone = [encode(encoder, each.unsqueeze(0)) for each in clip]
    for whole, parts in zip(together, zip(*alone, strict=True), strict=True):
        near = 1e-5 * max(1.0, whole.abs().max().item())
        torch.testing.assert_close(whole, torch.cat(parts), rtol=1e-4, atol=near)


@every
def test_the_clip_is_left_alone(name: str) -> None:
    encoder, clip = settled(name), clips(2)
    before = clip.clone()
    encode(encoder, clip)
    encode(encoder.train(), clip)
    assert torch.equal(clip, before)


@every
def test_how_the_clip_lies_in_memory_does_not_matter(name: str) -> None:
    encoder, clip = settled(name), clips(2)
    stored = clip.permute(0, 4, 2, 3, 1).contiguous().permute(0, 4, 2, 3, 1)
    assert not stored.is_contiguous()
    with torch.inference_mode():
        torch.testing.assert_close(encode(encoder, stored).pooled, encode(encoder, clip).pooled, rtol=1e-4, atol=1e-5)


@every
@pytest.mark.parametrize(
    "shape",
    [(2, 3, FRAMES, 19, PERSONS), (2, 2, FRAMES, 20, PERSONS), (2, 3, FRAMES, 20, 1), (3, FRAMES, 20, PERSONS)],
    ids=["joints", "channels", "persons", "no batch"],
)
def test_what_does_not_fit_is_refused(name: str, shape: tuple[int, ...]) -> None:
    encoder = build(name)
    if shape[-1] != PERSONS and "persons" not in inspect.signature(type(encoder)).parameters:
        pytest.skip("it does not ask for the number of persons: any will do")
    with pytest.raises(ShapeError, match=r"got \("):
        encode(encoder, torch.zeros(shape))


@every
def test_weights_survive_safetensors(name: str, tmp_path: Path) -> None:
    encoder = settled(name)
    save_file(encoder.state_dict(), tmp_path / "weights.safetensors")
    loaded = load_file(tmp_path / "weights.safetensors")
    torch.manual_seed(9)
    other = build(name).eval()
    other.load_state_dict(loaded, strict=True)
    clip = clips(2)
    assert torch.equal(encode(other, clip).pooled, encode(encoder, clip).pooled)


@every
def test_files_hold_only_what_is_learned(name: str) -> None:
    encoder = build(name)
    learned = {key for key, _ in encoder.named_parameters()}
    statistics = ("running_mean", "running_var", "num_batches_tracked")
    constants = [key for key in encoder.state_dict() if key not in learned and not key.endswith(statistics)]
    assert not constants, "register constants with persistent=False; they follow from the layout"


@every
def test_bfloat16_stays_close(name: str) -> None:
    encoder, clip = settled(name), clips(4)
    with torch.inference_mode():
        exact = encode(encoder, clip).pooled
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rough = encode(encoder, clip).pooled
    error = (rough.float() - exact).norm() / exact.norm()
    assert 0 < error < 0.05


@every
def test_seeds_decide_the_weights(name: str) -> None:
    states = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        states.append(build(name).state_dict())
    first, equal, other = states
    assert all(torch.equal(first[key], equal[key]) for key in first)
    drawn = [key for key in first if not torch.equal(first[key], other[key])]
    assert len(drawn) > len(first) // 10


@every
def test_the_published_size_is_the_default(name: str) -> None:
    made = component("encoders", name)(layouts.layout("ntu25"), 3)
    assert isinstance(made, nn.Module)
    assert not made.needs_joints or name == "blockgcn"
