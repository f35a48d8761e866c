# SPDX-License-Identifier: Apache-2.0
"""What every converter keeps: each official key has its place, there and back, and nothing in a file is executed."""

from __future__ import annotations

import argparse
import importlib
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bonefide.config.build import encoder as build_encoder
from bonefide.config.build import method as build_method
from bonefide.conversion import convert, names
from bonefide.data.class_splits import ClassSplit
from bonefide.encoders.descriptor_resnet import DescriptorResNet
from bonefide.errors import DataError, UnknownNameError
from bonefide.layers.joint_shift import joint_shift
from bonefide.layouts import layout
from bonefide.methods._method import Method
from bonefide.methods.descriptor_fusion import DescriptorFusion
from bonefide.methods.neuron import Neuron
from bonefide.methods.pgfa import PGFA
from bonefide.methods.smie import SMIE
from bonefide.text.bank import TextBank

GOLDEN = Path(__file__).parents[1] / "golden"
LAYOUTS = {"ntu": "ntu25", "ucla": "ucla20"}


def converter(paper: str) -> Any:
    module = importlib.import_module(f"bonefide.conversion.{paper}")
    return getattr(module, module.__all__[0])()


def facts(file: Path) -> dict[str, Any]:
    with np.load(file) as arrays:
        found: dict[str, Any] = json.loads(str(arrays["meta"]))
    if "csre_" in file.stem:
        joints = found["config"]["num_point"]
        found |= {"state_dict": found["state_dict_keys"], "dataset_shape": "ucla" if joints == 20 else "ntu"}
    if "stjd_" in file.stem and "weights_order" in found:
        found |= {"state_dict": found["weights_order"]}
    if "zeroshot_pgfa" in file.stem:
        found["state_dict"] += found.get("head_state_dict", [["adapter.weight", [768, 256]], ["adapter.bias", [768]]])
    if "neuron_match" in file.stem:
        encoder = facts(file.with_name("zeroshot_neuron_encoder.npz"))["state_dict"]
        found["state_dict"] += [[f"feature_extractor.{key}", shape] for key, shape in encoder]
    return found


FIXTURES_OF = {
    "csre": ("csre_hyperformer_*.npz",),
    "descriptor_fusion": ("descriptors_[cf]*_*.npz",),
    "mamp": ("stjd_pretrain_ma*.npz", "stjd_downstream_*.npz"),
    "neuron": ("zeroshot_neuron_match_a.npz",),
    "pgfa": ("zeroshot_pgfa_stgcn16_encoder.npz", "zeroshot_pgfa_setting2_shiftgcn.npz"),
    "smie": ("zeroshot_smie_mi_full_size.npz",),
    "stjd_mp": ("stjd_pretrain_stjd_*.npz", "stjd_downstream_*.npz"),
}
"""Where fixtures of a paper's networks are not named by its encoder."""
NARROWER = {"descriptor_fusion": 64}
"""Networks that are too wide to be written to disk in every test: channels are divided by so many."""

FIXTURES = [
    (paper, file)
    for paper in names()
    for pattern in FIXTURES_OF.get(paper, (f"encoders_{paper}_*.npz",))
    for file in sorted(GOLDEN.glob(pattern))
    # Others are of a part of a network.
    if "state_dict" in facts(file)
]

every = pytest.mark.parametrize(("paper", "file"), FIXTURES, ids=lambda each: getattr(each, "stem", each))


def official(file: Path) -> dict[str, Tensor]:
    """Values that are all different, under the official names and sizes; constants that are looked at as they are."""
    generator = torch.Generator().manual_seed(0)
    narrower = next((by for paper, by in NARROWER.items() if (paper, file) in FIXTURES), 1)
    state = {
        key: torch.tensor(7)
        if key.endswith("num_batches_tracked")
        else torch.randn([size // narrower if size % narrower == 0 else size for size in shape], generator=generator)
        for key, shape in facts(file)["state_dict"]
    }
    if "shiftgcn" in file.stem:
        state |= shiftgcn_constants(state)
    if "neuron_match" in file.stem:
        prefix = "feature_extractor."
        encoder = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
        state |= {prefix + key: value for key, value in shiftgcn_constants(encoder).items()}
    return state


def descriptor_network(state: dict[str, Tensor], *, classes: int) -> DescriptorFusion:
    images = ("gd", "fdd", "jdd", "add", "lad") if "convf1.weight" in state else ("gd",)
    encoder = DescriptorResNet(images, base_width=len(state["conv1.0.weight"]))
    return DescriptorFusion(encoder, classes, images)


def masked_network(meta: dict[str, Any]) -> Any:
    """The method of a file of the masked transformer: pre-training, or what follows it."""
    config = meta["config"]
    sizes = {"width": config["dim_feat"], "depth": config["depth"], "heads": config["num_heads"]}
    sizes |= {"qkv_bias": config["qkv_bias"]}
    encoder = build_encoder("masked_transformer", layout=layout("ntu25"), frames=config["num_frames"], options=sizes)
    name = {"linprobe": "linear_probe", "finetune": "finetune", "stjd": "stjd_mp"}.get(
        config.get("protocol", meta.get("model"))
    )
    options = {}
    if "decoder_depth" in config:
        options = {"decoder_depth": config["decoder_depth"], "decoder_width": config["decoder_dim_feat"]}
    return build_method(
        name or meta["model"],
        encoder=encoder,
        num_classes=config.get("num_classes", 2),
        frames=config["num_frames"],
        options=options,
    )


def text_network(paper: str, ours: dict[str, Tensor]) -> Method:
    """PGFA or SMIE around an encoder of the file, or if it has none around the light one; without texts."""
    options = {"base_channels": 16, "last_channels": 256}
    if any(key.endswith("spatial.linear.weight") for key in ours):
        encoder = build_encoder("shiftgcn", layout=layout("ntu25"))
    else:
        encoder = build_encoder("stgcn", layout=layout("ntu25"), options=options)
    bank = TextBank(("a", "b"), dict.fromkeys(("name", "definition"), np.zeros((2, 1, 768))), {}, "none")
    kind = PGFA if paper == "pgfa" else SMIE
    made = kind(encoder, 2, bank, ClassSplit("two", (0,), (1,)))
    alone = not any(key.startswith("encoder.") for key in ours)
    made.only_training = ("texts.", *(["encoder."] if alone else []))  # type: ignore[misc]
    return made


def neuron_network(meta: dict[str, Any]) -> Method:
    """Without texts, which are no part of official files."""
    kinds = ("spatial_fine", "temporal_123")
    bank = TextBank(("a", "b"), {kind: np.zeros((2, 1, meta["config"]["text_dim"])) for kind in kinds}, {}, "none")
    encoder = build_encoder("shiftgcn", layout=layout("ntu25"))
    made = Neuron(encoder, 2, bank, ClassSplit("two", (0,), (1,)), frames=64)
    made.only_training = ("texts.",)  # type: ignore[misc]
    return made


def shiftgcn_constants(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The permutations, and positions along the joints as small as in the released files."""
    found = {}
    for key, value in state.items():
        block = key.split(".")[0]
        if key.endswith(("gcn1.shift_in", "gcn1.shift_out")):
            back = key.endswith("out")
            channels = state[f"{block}.gcn1.Linear_weight"].shape[1 if back else 0]
            found[key] = joint_shift(value.numel() // channels, channels, back=back)
        elif key.endswith(".xpos"):
            found[key] = 1e-9 * value
    return found


def save(state: object, place: Path) -> Path:
    torch.save(state, place)
    return place


def test_the_folder_was_read() -> None:
    assert "ctrgcn" in names()
    assert {paper for paper, _ in FIXTURES} == set(names()), "every converter needs an official list of keys"


@every
def test_every_key_has_its_place_there_and_back(paper: str, file: Path) -> None:
    state = official(file)
    ours = converter(paper).from_official(state)
    ignored = set(converter(paper).ignored)
    assert sum(value.numel() for key, value in ours.items() if not key.endswith("num_batches_tracked")) == sum(
        value.numel() for key, value in state.items() if not key.endswith("num_batches_tracked") and key not in ignored
    )
    back = converter(paper).to_official(ours)
    assert back.keys() == state.keys() - ignored
    for key, value in back.items():
        assert torch.equal(value, state[key]), key
        assert value.shape == state[key].shape


@every
def test_the_network_takes_all_of_it(paper: str, file: Path, tmp_path: Path) -> None:
    state, meta = official(file), facts(file)
    ours = convert(paper, save(state, tmp_path / "official.pt"))
    if "descriptor" in file.stem:
        descriptor_network(state, classes=meta["num_classes"]).load_state_dict(ours, strict=True)
        return
    if "stjd" in file.stem:
        masked_network(meta).load_state_dict(ours, strict=True)
        return
    if paper in {"pgfa", "smie"}:
        text_network(paper, ours).load_weights(ours)
        return
    if paper == "neuron":
        neuron_network(meta).load_weights(ours)
        return
    skeleton = layout(LAYOUTS[meta["dataset_shape"]])
    with np.load(file) as arrays:
        _, channels, frames, _, persons = arrays["input/x"].shape
    encoder = build_encoder(
        converter(paper).encoder, layout=skeleton, persons=persons, in_channels=channels, frames=frames
    )
    method = build_method("supervised", encoder=encoder, num_classes=len(ours["head.bias"]))
    method.load_state_dict(ours, strict=True)


@every
def test_any_key_that_is_missing_is_named(paper: str, file: Path) -> None:
    state = official(file)
    ignored = set(converter(paper).ignored)
    for key in sorted(state.keys() - ignored)[::5]:
        with pytest.raises(DataError) as caught:
            converter(paper).from_official({other: value for other, value in state.items() if other != key})
        assert "is missing" in str(caught.value)
        if not key.endswith("num_batches_tracked"):
            assert f"'{key}'" in str(caught.value)


@every
def test_a_key_without_a_place_is_named(paper: str, file: Path) -> None:
    for key in ("l11.gcn1.PA", "l1.gcn1.convs.3.conv1.weight", "extra.weight", "l1.gcn1.more", "l0.gcn1.PA"):
        with pytest.raises(DataError, match=r"'[\w.]+' has no place"):
            converter(paper).from_official(official(file) | {key: torch.zeros(1)})


@every
def test_the_way_back_names_what_is_missing_too(paper: str, file: Path) -> None:
    ours = converter(paper).from_official(official(file))
    key = sorted(ours)[len(ours) // 2]
    del ours[key]
    with pytest.raises(DataError, match=f"'{key}' is missing"):
        converter(paper).to_official(ours)


@every
@pytest.mark.parametrize("wrapper", ["module.", "state_dict", "model"])
def test_wrapped_files(paper: str, file: Path, wrapper: str, tmp_path: Path) -> None:
    state = official(file)
    wrapped = {f"module.{key}": value for key, value in state.items()} if wrapper == "module." else {wrapper: state}
    ours = convert(paper, save(wrapped, tmp_path / "official.pt"))
    plain = converter(paper).from_official(state)
    assert all(torch.equal(ours[key], plain[key]) for key in plain)


@pytest.mark.parametrize("paper", ["mamp", "stjd_mp"])
def test_options_of_a_command_line_beside_the_weights(paper: str, tmp_path: Path) -> None:
    state = official(next(file for name, file in FIXTURES if name == paper))
    options = argparse.Namespace(lr=1e-3, output_dir="out", device=None, betas=[0.9, 0.95])
    whole = {
        "model": state,
        "optimizer": {"state": {}, "param_groups": []},
        "epoch": 399,
        "scaler": {},
        "args": options,
    }
    ours = convert(paper, save(whole, tmp_path / "checkpoint-399.pth"))
    plain = converter(paper).from_official(state)
    assert ours.keys() == plain.keys()
    assert all(torch.equal(ours[key], plain[key]) for key in plain)
    marker = tmp_path / "executed"
    with pytest.raises(DataError, match="not read for safety"):
        convert(paper, save({**whole, "args": argparse.Namespace(a=Malicious(marker))}, tmp_path / "bad.pth"))
    assert not marker.exists()


def test_a_density_has_no_place_in_mamp() -> None:
    state = official(next(file for name, file in FIXTURES if name == "stjd_mp" and "pretrain" in file.stem))
    with pytest.raises(DataError, match="'gen_mask"):
        converter("mamp").from_official(state)


def test_without_biases_of_queries_keys_and_values() -> None:
    state = official(next(file for name, file in FIXTURES if name == "mamp"))
    state = {key: value for key, value in state.items() if not key.endswith("qkv.bias")}
    ours = converter("mamp").from_official(state)
    assert not any(key.endswith("qkv.bias") for key in ours)
    assert converter("mamp").to_official(ours).keys() == state.keys()


class Malicious:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.marker,)


def test_nothing_in_a_file_is_executed(tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    bad = {"weight": torch.zeros(1), "other": Malicious(marker)}
    (tmp_path / "plain.pkl").write_bytes(pickle.dumps(Malicious(marker), protocol=2))
    for file in (save(bad, tmp_path / "zip.pt"), tmp_path / "plain.pkl"):
        with pytest.raises(DataError, match="not a checkpoint of tensors only; it is not read for safety"):
            convert("ctrgcn", file)
    assert not marker.exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"text", b"PK\x03\x04", b"\x80\x02.", b"\x80\x02q\x00.", b"\x80\x02]K\x01a.", bytes(range(256))],
)
def test_damaged_files(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(DataError, match=r"x\.pt: not a"):
        convert("ctrgcn", tmp_path / "x.pt")


@pytest.mark.parametrize("content", [[1, 2], {"a": 3}, {1: torch.zeros(1)}, {"state_dict": {"a": "b"}}, torch.zeros(2)])
def test_what_is_no_state_dict(content: object, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a state dict of tensors"):
        convert("ctrgcn", save(content, tmp_path / "x.pt"))


def test_files_and_papers_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        convert("ctrgcn", tmp_path / "none.pt")
    with pytest.raises(DataError, match="no such file"):
        convert("ctrgcn", tmp_path)
    with pytest.raises(UnknownNameError, match="converters: no 'ctrgn'; did you mean 'ctrgcn'"):
        convert("ctrgn", tmp_path / "none.pt")
