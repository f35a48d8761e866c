# SPDX-License-Identifier: Apache-2.0
"""MAE, MAMP and STJD-MP against the official pre-training: density, masks, targets, losses, gradients, steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from fixture import Fixture
from torch import Tensor, nn
from weights_rule import weights_by_rule

from bonefide.config.recipe import AdamW, Cosine
from bonefide.conversion import stjd_mp
from bonefide.encoders.masked_transformer import MaskedTransformer
from bonefide.layers.joint_density import JointDensity, density_change
from bonefide.layers.position import resize_times
from bonefide.layouts import layout
from bonefide.losses.masked_regression import masked_regression
from bonefide.methods._masked_prediction import TokenMask, motion
from bonefide.methods._masking import hiding_noise, motion_score, scaled_score
from bonefide.methods._method import Method
from bonefide.methods.mae import MAE
from bonefide.methods.mamp import MAMP
from bonefide.methods.stjd_mp import STJDMP
from bonefide.training.optimizers import build_optimizer
from bonefide.training.schedules import rate_at
from bonefide.types import Array, Batch

__all__ = ["CHECKS"]

NTU = layout("ntu25")
CONVERTER = stjd_mp.STJDMP()
DENSITY = {
    "weights": "channel_weights",
    "h_values": "widths",
    "joint_weights": "joint_weights",
    "m.weight": "weight",
    "m.bias": "bias",
}


def official_weights(meta: dict[str, Any]) -> dict[str, Tensor]:
    """By the weights rule, with the fixture's own exceptions."""
    return weights_by_rule(meta["weights_order"], special=dict.fromkeys(meta["kept_initial"], np.ones_like))


def tensor(fixture: Fixture, name: str) -> Tensor:
    return torch.tensor(fixture.arrays[name])


def sequences(clip: Tensor) -> Tensor:
    """(N, C, T, V, M) to what the official code calculates with, (N * M, T, V, C), persons fast."""
    return clip.permute(0, 4, 2, 3, 1).flatten(0, 1)


def as_clip(x: Tensor) -> Tensor:
    """(B, T, V, C) as clips of one person."""
    return x.permute(0, 3, 1, 2).unsqueeze(-1)


def patches(x: Tensor, frames: int, members: int = 1) -> Tensor:
    """(B, T, V, C) as tokens (B, T', V', P), by the encoder."""
    names = tuple(map(str, range(x.shape[2])))
    skeleton = type(NTU)("points", names, parents=(0,) * len(names), mirror=tuple(range(len(names))))
    encoder = MaskedTransformer(
        skeleton, x.shape[3], frames=x.shape[1], width=4, depth=1, heads=1, patch_frames=frames, patch_joints=members
    )
    return encoder.patches(as_clip(x)).unflatten(1, encoder.grid[:2])


def density_of(fixture: Fixture, in_channels: int, joints: int) -> JointDensity:
    if "weights_order" in fixture.meta:
        given = official_weights(fixture.meta)
    else:
        given = {key: tensor(fixture, f"input/{key.replace('.', '_')}") for key in DENSITY}
    density = JointDensity(in_channels, joints, channels=len(given["m.bias"]))
    density.load_state_dict({DENSITY[key]: value for key, value in given.items()})
    return density


def assert_density(fixture: Fixture, found: Tensor) -> None:
    """Density relative to itself, its change to the largest, as the fixtures' tolerance says."""
    change = density_change(found).numpy()
    for kind in ("", "_f64"):
        expected = fixture.arrays[f"output/density{kind}"]
        np.testing.assert_allclose(found.numpy(), expected, rtol=2e-5)
    expected = fixture.arrays["output/change_f64"]
    np.testing.assert_allclose(change / change.max(), expected / expected.max(), rtol=0, atol=2e-4)


@torch.no_grad()
def check_density(fixture: Fixture) -> None:
    x = tensor(fixture, "input/x")
    x = sequences(x) if x.ndim == 5 else x
    density = density_of(fixture, x.shape[-1], x.shape[2])
    assert_density(fixture, density.density(x))
    assert_density(fixture, density.double().density(x.double()).float())


@torch.no_grad()
def check_density_of_real_clips(fixture: Fixture) -> None:
    tokens = patches(tensor(fixture, "input/x"), 4)
    density = density_of(fixture, tokens.shape[-1], tokens.shape[2])
    assert_density(fixture, density.density(tokens))
    for name, score in (("stjd", density(tokens)), ("mamp", motion_score(tokens))):
        found = scaled_score(score.flatten(1), 0.8)
        np.testing.assert_allclose(found, fixture.arrays[f"output/{name}_score_tau0.80"], rtol=0, atol=5e-4)
        if name == "stjd":
            expected = fixture.arrays["output/stjd_prob_tau0.80"]
            np.testing.assert_allclose(found.softmax(dim=1), expected, rtol=5e-4)


@torch.no_grad()
def check_mask(fixture: Fixture) -> None:
    meta, tokens, uniform = fixture.meta, tensor(fixture, "input/x_orig"), tensor(fixture, "input/uniform")
    kind, score, tolerances = fixture.name.rsplit("_", 1)[1], None, np.array([1e-5] * len(tokens))
    if kind == "mamp":
        score = motion_score(tokens)
    elif kind == "stjd":
        score = density_of(fixture, tokens.shape[-1], tokens.shape[2])(tokens)
        # The last person hardly moves: the official code itself cancels so much.
        tolerances = np.array([5e-4, 5e-4, 5e-3])
    if score is not None:
        found = scaled_score(score.flatten(1), meta["tau"])
        assert_rows(found, fixture.arrays["output/score"], tolerances)
        assert_rows(hiding_noise(found, uniform), fixture.arrays["output/noise"], tolerances)
        for row, expected, tolerance in zip(
            found.softmax(dim=1), fixture.arrays["output/prob"], tolerances, strict=True
        ):
            np.testing.assert_allclose(row, expected, rtol=tolerance)
    mask = TokenMask(uniform.shape[1], ratio=meta["mask_ratio"], rounding="down", temperature=meta["tau"], seed=0)
    masking = mask.of(uniform, score)
    assert mask.visible == meta["len_keep"]
    np.testing.assert_array_equal(masking.hidden, fixture.arrays["output/mask"])
    shown, expected = masking.visible.numpy(), fixture.arrays["output/ids_keep"]
    np.testing.assert_array_equal(np.sort(shown, axis=1), fixture.arrays["output/ids_keep_sorted"])
    noise = fixture.arrays["output/noise"]
    for row, tolerance in enumerate(tolerances):
        differ = shown[row] != expected[row]
        apart = np.abs(noise[row][shown[row][differ]] - noise[row][expected[row][differ]])
        assert (apart <= 2 * tolerance).all(), "the order differs only where noise is nearly equal"


def assert_rows(found: Tensor, expected: Array, tolerances: Array) -> None:
    for row, other, tolerance in zip(found.numpy(), expected, tolerances, strict=True):
        np.testing.assert_allclose(row, other, rtol=1e-6, atol=tolerance)


def normalized(target: Tensor) -> Tensor:
    """The target that a loss compares with: where it is, the loss is zero."""
    mean = target.mean(dim=-1, keepdim=True)
    return (target - mean) / (target.var(dim=-1, keepdim=True) + 1e-6).sqrt()


def check_motion_target(fixture: Fixture) -> None:
    x = tensor(fixture, "input/x")
    for name in fixture.arrays:
        kind, _, options = name.removeprefix("output/").partition("_")
        if name.startswith("input/"):
            continue
        numbers = dict(part[:1] and (part[0], int(part[1:])) for part in options.split("_"))
        moved = motion(as_clip(x), numbers["s"]).squeeze(-1).permute(0, 2, 3, 1) if "s" in numbers else x
        expected = tensor(fixture, name)
        if kind == "motion":
            torch.testing.assert_close(moved, expected, rtol=1e-5, atol=1e-6)
            continue
        found = patches(moved, numbers["u"], numbers["p"]).flatten(1, 2)
        if kind != "normtarget":
            torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
            continue
        everywhere = torch.ones(found.shape[:2])
        assert masked_regression(expected, found, everywhere) < 1e-9
        assert masked_regression(expected + 1, found, everywhere) > 0.9


def check_loss_values(fixture: Fixture) -> None:
    x, predicted, hidden = (tensor(fixture, f"input/{name}") for name in ("x", "pred", "mask"))
    config, compared = fixture.meta["config"], 0
    for normalize in (0, 1):
        for target in ("coords", "motion1", "motion2"):
            shown = as_clip(x) if target == "coords" else motion(as_clip(x), int(target[-1]))
            tokens = patches(shown.squeeze(-1).permute(0, 2, 3, 1), config["t_patch_size"], config["patch_size"])
            found = masked_regression(predicted, tokens.flatten(1, 2), hidden, normalize=bool(normalize))
            torch.testing.assert_close(
                found, tensor(fixture, f"output/loss_norm{normalize}_{target}"), rtol=1e-5, atol=0
            )
            compared += 1
    assert compared == sum(name.startswith("output/") for name in fixture.arrays)


class Given(nn.Module):
    """Draws that were recorded."""

    def __init__(self, uniform: Tensor) -> None:
        super().__init__()
        self.uniform = uniform

    def forward(self, index: Tensor, persons: int, tokens: int) -> Tensor:
        assert self.uniform.shape == (len(index) * persons, tokens)
        return self.uniform


def method_of(meta: dict[str, Any], *, uniform: Tensor) -> Any:
    """The method of a fixture, with its weights and draws."""
    config = meta["config"]
    encoder = MaskedTransformer(
        NTU,
        config["dim_in"],
        frames=config["num_frames"],
        width=config["dim_feat"],
        depth=config["depth"],
        heads=config["num_heads"],
        mlp_ratio=config["mlp_ratio"],
        qkv_bias=config["qkv_bias"],
        patch_frames=config["t_patch_size"],
        patch_joints=config["patch_size"],
    )
    options = {
        "decoder_depth": config["decoder_depth"],
        "decoder_width": config["decoder_dim_feat"],
        "mask_ratio": meta["mask_ratio"],
        "normalize_target": config["norm_skes_loss"],
    }
    if meta["model"] != "mae":
        options |= {"temperature": meta["motion_aware_tau"], "motion_stride": meta["motion_stride"]}
    kinds: dict[str, type[Method]] = {"mae": MAE, "mamp": MAMP, "stjd": STJDMP}
    method: Any = kinds[meta["model"]](encoder, **options)
    state = official_weights(meta)
    converted = CONVERTER.from_official(state)
    method.load_state_dict(converted, strict=True)
    back = CONVERTER.to_official(converted)
    assert back.keys() == state.keys()
    assert all(torch.equal(back[key], state[key]) for key in state)
    method.mask.draws = Given(uniform)
    return method


def batch_of(clip: Tensor) -> Batch:
    return Batch(clip, torch.zeros(len(clip), dtype=torch.int64), torch.arange(len(clip)))


def check_pretraining(fixture: Fixture) -> None:
    meta, clip, uniform = fixture.meta, tensor(fixture, "input/x"), tensor(fixture, "input/uniform")
    method = method_of(meta, uniform=uniform).eval()
    loss = method.losses(batch_of(clip))["masked_regression"]
    torch.testing.assert_close(loss.detach(), tensor(fixture, "output/loss"), rtol=1e-5, atol=0)
    loss.backward()
    assert_gradients(fixture, method)
    with torch.no_grad():
        assert_forward(fixture, method, clip, uniform)


def assert_forward(fixture: Fixture, method: Any, clip: Tensor, uniform: Tensor) -> None:
    tokens = method.encoder.patches(clip)
    grid = tokens.unflatten(1, method.encoder.grid[:2])
    model = fixture.meta["model"]
    score = {"mae": lambda: None, "mamp": lambda: motion_score(grid), "stjd": lambda: method.scores(tokens)}[model]()
    masking = method.mask.of(uniform, score)
    np.testing.assert_array_equal(masking.hidden, fixture.arrays["output/mask"])
    order = fixture.arrays["output/ids_restore"].argsort(axis=1)[:, : method.mask.visible]
    np.testing.assert_array_equal(masking.visible, order)
    latent = method.encoder.encode(tokens, masking.visible)
    torch.testing.assert_close(latent, tensor(fixture, "output/latent"), rtol=1e-4, atol=2e-5)
    predicted = method.decoder(latent, masking)
    torch.testing.assert_close(predicted, tensor(fixture, "output/pred"), rtol=0, atol=1e-4)
    target = method.encoder.patches(clip if model == "mae" else motion(clip, fixture.meta["motion_stride"]))
    target = normalized(target) if method.normalize_target else target
    torch.testing.assert_close(target, tensor(fixture, "output/target_used"), rtol=1e-4, atol=1e-5)
    each = (predicted - target).square().mean(dim=-1)
    torch.testing.assert_close(each, tensor(fixture, "output/loss_per_token"), rtol=1e-4, atol=1e-4)


def assert_gradients(fixture: Fixture, method: nn.Module) -> None:
    without = fixture.meta.get("parameters_without_gradient", [])
    gradients = {key: torch.zeros_like(value) for key, value in method.state_dict().items()} | {
        key: each.grad for key, each in method.named_parameters()
    }
    found = CONVERTER.to_official(gradients)
    assert not any(found[key].any() for key in without)
    compared = 0
    for key, expected in _outputs(fixture, "grad."):
        error = np.linalg.norm(found[key].numpy() - expected) / np.linalg.norm(expected)
        assert error <= 1e-3, f"{key}: relative error {error:.2e}"
        compared += 1
    assert compared > 5


def check_trajectory(fixture: Fixture) -> None:
    """A few steps of the optimiser, its groups and its schedule."""
    clips, uniforms = tensor(fixture, "input/x"), tensor(fixture, "input/uniform")
    method = method_of(fixture.meta, uniform=uniforms[0])
    recipe = AdamW(name="adamw", lr=1e-3, betas=(0.9, 0.95), weight_decay=0.05, decay="weights")
    schedule = Cosine(name="cosine", per="step", warmup_epochs=2, minimum=0.5)
    optimizer = build_optimizer(method, recipe)
    for number, (clip, uniform) in enumerate(zip(clips, uniforms, strict=True)):
        epoch, step = divmod(6 + number, 4)
        rate = 1e-3 * rate_at(schedule, epoch=epoch, step=step, steps=4, epochs=10)
        np.testing.assert_allclose(rate, fixture.arrays["output/lr"][number], rtol=1e-12)
        for group in optimizer.param_groups:
            group["lr"] = rate
        method.mask.draws = Given(uniform)
        optimizer.zero_grad()
        loss = method.losses(batch_of(clip))["masked_regression"]
        np.testing.assert_allclose(loss.item(), fixture.arrays["output/loss"][number], rtol=1e-4)
        loss.backward()
        optimizer.step()
    found = CONVERTER.to_official(method.state_dict())
    finals = dict(_outputs(fixture, "final."))
    assert len(finals) == 7
    for key, expected in finals.items():
        np.testing.assert_allclose(found[key], expected, rtol=0, atol=2e-5, err_msg=key)


def _outputs(fixture: Fixture, kind: str) -> Iterator[tuple[str, Array]]:
    for name in fixture.arrays:
        if name.startswith(f"output/{kind}"):
            yield name.removeprefix(f"output/{kind}"), fixture.arrays[name]


def check_times(fixture: Fixture) -> None:
    expected = tensor(fixture, "output/temp_embed")
    found = resize_times(tensor(fixture, "input/temp_embed")[0, :, 0], expected.shape[1])
    torch.testing.assert_close(found, expected[0, :, 0], rtol=1e-5, atol=1e-6)


def check_schedule(fixture: Fixture) -> None:
    for name, case in fixture.meta["cases"].items():
        schedule = Cosine(
            name="cosine", per="step", warmup_epochs=case["warmup_epochs"], minimum=case["min_lr"] / case["lr"]
        )
        for fraction, expected in zip(
            fixture.arrays["input/fraction_of_total_epochs"], fixture.arrays[f"output/{name}"], strict=True
        ):
            epoch, rest = divmod(fraction * case["epochs"], 1)
            # The rest of an epoch is as many of a million million steps.
            factor = rate_at(schedule, epoch=int(epoch), step=rest * 10**12, steps=10**12, epochs=case["epochs"])
            np.testing.assert_allclose(case["lr"] * factor, expected, rtol=1e-12, atol=1e-18)


CHECKS = {
    "stjd_density": check_density,
    "stjd_density_ucla": check_density_of_real_clips,
    "stjd_mask": check_mask,
    "stjd_motion_target": check_motion_target,
    "stjd_loss_values": check_loss_values,
    "stjd_pretrain": check_pretraining,
    "stjd_traj_pretrain": check_trajectory,
    "stjd_temp_embed_interp": check_times,
    "stjd_lr_schedule": check_schedule,
}
