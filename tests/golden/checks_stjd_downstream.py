# SPDX-License-Identifier: Apache-2.0
"""What follows a masked pre-training, against the official code; and STJD-CL against its specification.

The weights of the official downstream networks go through names alone, for these have no decoder.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from fixture import Fixture
from torch import Tensor
from torch.nn import functional as F
from weights_rule import weights_by_rule

from bonefide.config.recipe import AdamW, Cosine
from bonefide.encoders.masked_transformer import MaskedTransformer
from bonefide.layers.joint_density import JointDensity
from bonefide.layouts import layout
from bonefide.losses.info_nce import info_nce
from bonefide.losses.reversed_info_nce import reversed_info_nce
from bonefide.methods._method import Method
from bonefide.methods._prime_joints import hard_mask, pool_parts, prime_score, soft_mask, stretch
from bonefide.methods.finetune import Finetune
from bonefide.methods.linear_probe import LinearProbe
from bonefide.methods.mamp import MAMP
from bonefide.methods.supervised import Supervised
from bonefide.training.optimizers import build_optimizer
from bonefide.training.schedules import rate_at
from bonefide.types import Array, Batch, Features

__all__ = ["CHECKS"]

_PARTS = (
    ("joints_embed.proj.", "encoder.embed."),
    ("temp_embed", "encoder.position.times"),
    ("pos_embed", "encoder.position.joints"),
    ("blocks.", "encoder.stack.blocks."),
    ("norm.", "encoder.stack.norm."),
    ("head.fc.0.", "norm."),
    ("head.fc.1.", "head."),
    ("head.fc1.", "head.expand."),
    ("head.bn.", "head.norm."),
    ("head.fc2.", "head.classify."),
)
_LAYERS = (("attn.qkv", "qkv"), ("attn.proj", "project"), ("mlp.fc1", "expand"), ("mlp.fc2", "contract"))


def _ours(official: str) -> str:
    for start, own in _PARTS:
        if official.startswith(start):
            official = own + official.removeprefix(start)
            break
    for name, own in _LAYERS if ".blocks." in official else ():
        official = official.replace(name, own)
    return official


def _load(method: Method, encoder: MaskedTransformer, meta: dict[str, Any]) -> None:
    own, given = method.state_dict(), {}
    for key, value in weights_by_rule(meta["weights_order"]).items():
        name = _ours(key)
        # Official: a convolution (D, C, frames, joints); here a matrix over (frames, joints, C).
        arranged = value.permute(0, 2, 3, 1) if name == "encoder.embed.weight" else value
        given[name] = arranged.reshape(own[name].shape)
    method.load_state_dict(given, strict=True)


def _encoder(config: dict[str, Any]) -> MaskedTransformer:
    return MaskedTransformer(
        layout("ntu25"),
        config["dim_in"],
        frames=config["num_frames"],
        width=config["dim_feat"],
        depth=config["depth"],
        heads=config["num_heads"],
        mlp_ratio=config["mlp_ratio"],
        qkv_bias=config["qkv_bias"],
        drop_path=config["drop_path_rate"],
        patch_frames=config["t_patch_size"],
        patch_joints=config["patch_size"],
    )


def _tensor(fixture: Fixture, name: str) -> Tensor:
    return torch.tensor(fixture.arrays[f"input/{name}"])


def _batch(clip: Tensor, label: Tensor | None = None) -> Batch:
    numbers = torch.arange(len(clip))
    return Batch(clip, numbers if label is None else label, numbers)


def _same(ours: Tensor, expected: Array, *, rtol: float = 1e-4, atol: float = 2e-5) -> None:
    np.testing.assert_allclose(ours.detach().numpy(), expected, rtol=rtol, atol=atol)


def check_network(fixture: Fixture) -> None:
    """Official weights, in evaluation mode: tokens, features and logits."""
    config = fixture.meta["config"]
    encoder, classes = _encoder(config), config["num_classes"]
    method = (
        LinearProbe(encoder, classes)
        if config["protocol"] == "linprobe"
        else Finetune(encoder, classes, frames=config["num_frames"])
    )
    _load(method, encoder, fixture.meta)
    clip = _tensor(fixture, "x")
    method.eval()
    found, exact = _forward(method, encoder, clip), _forward(method.double(), encoder.double(), clip.double())
    for name, ours in found.items():
        if f"output/{name}" not in fixture.arrays:
            continue
        expected = fixture.arrays[f"output/{name}"]
        if name != "tokens":
            _same(ours, expected)
            continue
        # A token that hardly varies before the last normalisation is float noise behind it, as the same network in
        # float64 shows: there the official numbers are themselves off by more than the tolerance they state.
        for each in (ours.numpy(), exact[name].numpy()):
            error = np.abs(each - expected)
            assert (error > 2e-5 + 1e-4 * np.abs(expected)).mean() < 1e-3
            assert error.max() < 2.5e-4


def _forward(method: Method, encoder: MaskedTransformer, clip: Tensor) -> dict[str, Tensor]:
    with torch.inference_mode():
        features, logits = encoder(clip), method.outputs(_batch(clip)).logits
        assert logits is not None
        return {
            "logits": logits,
            "tokens": encoder.encode(encoder.patches(clip)),
            "pooled_mean_MTJ": features.pooled,
            "pooled_mean_MT": features.map.mean(dim=(1, 3)).mT,
        }


def check_trajectory(fixture: Fixture) -> None:
    """Steps of linear evaluation: the encoder as in evaluation, the head learning with statistics of batches."""
    config = fixture.meta["config"]
    encoder = _encoder(config)
    method = LinearProbe(encoder, config["num_classes"])
    _load(method, encoder, fixture.meta)
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    optimizer = torch.optim.SGD(method.parameters(), lr=fixture.meta["lr"], momentum=0.9)
    schedule = Cosine(name="cosine", per="step")
    batch = _batch(_tensor(fixture, "x"), _tensor(fixture, "target"))
    method.train()
    for step, expected in enumerate(fixture.arrays["output/loss"]):
        factor = rate_at(schedule, epoch=step // 4, step=step % 4, steps=4, epochs=2)
        optimizer.param_groups[0]["lr"] = fixture.meta["lr"] * factor
        optimizer.zero_grad()
        loss = method.losses(batch)["cross_entropy"]
        loss.backward()
        optimizer.step()
        np.testing.assert_allclose(loss.item(), expected, rtol=1e-4)
    assert all(torch.equal(before[name], value) for name, value in encoder.state_dict().items())
    method.eval()
    found = {
        "final_weight": method.head.weight,
        "final_bias": method.head.bias,
        "running_mean": method.norm.get_buffer("running_mean"),
        "running_var": method.norm.get_buffer("running_var"),
        "final_eval_logits": method.outputs(batch).logits,
    }
    for name, ours in found.items():
        assert ours is not None
        _same(ours, fixture.arrays[f"output/{name}"], rtol=1e-3, atol=1e-4)


def check_label_smoothing(fixture: Fixture) -> None:
    logits, target = _tensor(fixture, "logits"), _tensor(fixture, "target")
    for share in (0.1, 0.3):
        ours = F.cross_entropy(logits, target, label_smoothing=share)
        np.testing.assert_allclose(ours.numpy(), fixture.arrays[f"output/loss_{share}"], rtol=1e-6)
    encoder = _Given(logits)
    method = Supervised(encoder, logits.shape[1], label_smoothing=0.1)  # type: ignore[arg-type]
    with torch.no_grad():
        method.head.weight.copy_(torch.eye(logits.shape[1]))
        method.head.bias.zero_()
    found = method.losses(_batch(torch.zeros(len(logits)), target))["cross_entropy"]
    np.testing.assert_allclose(found.detach().numpy(), fixture.arrays["output/loss_0.1"], rtol=1e-6)


class _Given(torch.nn.Module):
    """An encoder whose features are given."""

    def __init__(self, features: Tensor) -> None:
        super().__init__()
        self.features, self.out_channels = features, features.shape[1]

    def forward(self, clip: Tensor, joints: Tensor | None = None) -> Features:
        return Features(self.features[:, None, :, None, None], self.features)


def check_groups(fixture: Fixture) -> None:
    """Rates and decays of layers in fine-tuning, decays in pre-training."""
    meta = fixture.meta
    encoder = MaskedTransformer(layout("ntu25"), 3, frames=16, width=16, depth=meta["depth"], heads=2)
    method = Finetune(encoder, 5, frames=16, hidden=8, layer_decay=meta["layer_decay"])
    names = {id(parameter): name for name, parameter in method.named_parameters()}
    optimizer = build_optimizer(method, AdamW(name="adamw", lr=1.0, weight_decay=0.05))
    found = {
        names[id(parameter)]: (group["lr_scale"], group["weight_decay"])
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    assert sorted(found) == sorted(_ours(name) for name in meta["names"])
    expected = zip(meta["names"], fixture.arrays["output/lr_scale"], fixture.arrays["output/weight_decay"], strict=True)
    for name, scale, decay in expected:
        np.testing.assert_allclose(found[_ours(name)], (scale, decay), rtol=1e-12, err_msg=name)
    _check_pretraining(meta["pretrain_weight_decay"])


def _check_pretraining(expected: list[tuple[str, float]]) -> None:
    encoder = MaskedTransformer(layout("ntu25"), 3, frames=16, width=16, depth=3, heads=2)
    method = MAMP(encoder, decoder_depth=1, decoder_width=16)
    names = {id(parameter): name for name, parameter in method.named_parameters()}
    recipe = AdamW(name="adamw", lr=1.0, weight_decay=0.05, decay="weights", decay_of={"decoder.mask_token": 0.05})
    optimizer = build_optimizer(method, recipe)
    found = {names[id(each)]: group["weight_decay"] for group in optimizer.param_groups for each in group["params"]}
    for official, decay in expected:
        name = _ours(official)
        if name in found:
            assert found[name] == decay, official


def check_prime(fixture: Fixture) -> None:
    change, features = _tensor(fixture, "change"), _tensor(fixture, "features")
    score = prime_score(change)
    soft, hard = soft_mask(score, temperature=fixture.meta["tau_p"]), hard_mask(score)
    np.testing.assert_array_equal(hard.numpy(), fixture.arrays["output/prime_hard"])
    np.testing.assert_array_equal(hard.sum(dim=2).numpy(), fixture.arrays["output/n_prime"])
    found = {"score": score, "prime_soft": soft, "mix_mask_T23": stretch(hard.float(), 23)}
    for name, mask in (("soft", soft), ("hard", hard.float())):
        found[f"prime_pool_{name}"], found[f"nonprime_pool_{name}"] = pool_parts(features, mask)
    for name, ours in found.items():
        _same(ours, fixture.arrays[f"output/{name}"], rtol=1e-5, atol=1e-6)


def check_chain(fixture: Fixture) -> None:
    """From features of the second encoder to both losses and the detector's gradients."""
    config, features = fixture.meta["config"], _tensor(fixture, "features")
    channels, joints = features.shape[1], features.shape[3]
    density = JointDensity(channels, joints, channels=len(fixture.arrays["input/weights"]))
    names = {
        "m_weight": "weight",
        "m_bias": "bias",
        "h_values": "widths",
        "weights": "channel_weights",
        "joint_weights": "joint_weights",
    }
    density.load_state_dict({own: _tensor(fixture, name) for name, own in names.items()})
    change = density(features.permute(0, 2, 3, 1))
    soft = soft_mask(prime_score(change), temperature=config["tau_p"])
    projection = _tensor(fixture, "proj_weight")
    z_k, z_p = (
        F.normalize(part.view(config["N"], config["M"], -1).mean(dim=1) @ projection.T, dim=1)
        for part in pool_parts(features, soft)
    )
    others = _tensor(fixture, "queue").T
    temperature = config["temperature"]
    contrastive = info_nce(_tensor(fixture, "z_q"), z_k.detach(), others, temperature=temperature)
    regional = reversed_info_nce(z_p, z_k, others, temperature=temperature)
    expected = fixture.arrays
    assert np.abs(change.detach().numpy() - expected["output/change"]).max() < 1e-4 * expected["output/change"].max()
    for name, ours in (("prime_soft", soft), ("z_k", z_k), ("z_p", z_p)):
        _same(ours, expected[f"output/{name}"], rtol=1e-3, atol=1e-4)
    for name, ours in (("loss_cl", contrastive), ("loss_rcl", regional)):
        _same(ours, expected[f"output/{name}"], rtol=1e-4, atol=0)
    regional.backward()
    for name in ("h_values", "m_weight", "joint_weights"):
        gradient = density.get_parameter(names[name]).grad
        assert gradient is not None
        wanted = expected[f"output/grad_{name}"]
        assert np.linalg.norm(gradient.numpy() - wanted) <= 2e-3 * np.linalg.norm(wanted), name


CHECKS = {
    "stjd_downstream_": check_network,
    "stjd_traj_linprobe": check_trajectory,
    "stjd_label_smoothing": check_label_smoothing,
    "stjd_param_groups": check_groups,
    "stjd_cl_ours_prime": check_prime,
    "stjd_cl_ours_chain": check_chain,
}
