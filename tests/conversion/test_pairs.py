# SPDX-License-Identifier: Apache-2.0
"""Files of PGFA and SMIE in wrappings that nobody has written down."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from bonefide.conversion import convert, pgfa, smie, stgcn
from bonefide.errors import DataError

GOLDEN = Path(__file__).parents[1] / "golden"
ADAPTER = {"adapter.weight": torch.randn(8, 256), "adapter.bias": torch.randn(8)}
ESTIMATOR = {f"global_D.l{layer}.{kind}": torch.randn(3) for layer in range(3) for kind in ("weight", "bias")}


def light(name: str = "smie_ntu") -> dict[str, Tensor]:
    with np.load(GOLDEN / f"encoders_{name}.npz") as arrays:
        keys = json.loads(str(arrays["meta"]))["state_dict"]
    generator = torch.Generator().manual_seed(0)
    return {key: torch.randn(shape, generator=generator) for key, shape in keys}


@pytest.mark.parametrize("prefixes", [("", "encoder."), ("model.", "model.encoder."), ("", ""), ("x.", "x.y.z.")])
def test_any_beginning_that_all_keys_share(prefixes: tuple[str, str], tmp_path: Path) -> None:
    of_adapter, of_encoder = prefixes
    state = {of_adapter + key: value for key, value in ADAPTER.items()}
    state |= {of_encoder + key: value for key, value in light().items()}
    torch.save(state, tmp_path / "pgfa.pt")
    found, plain = convert("pgfa", tmp_path / "pgfa.pt"), stgcn.STGCN().from_official(light())
    assert found.keys() == {"head.weight", "head.bias", *plain}
    assert all(torch.equal(found[key], plain[key]) for key in plain)
    assert torch.equal(found["head.weight"], ADAPTER["adapter.weight"])


def test_an_estimator_alone_and_with_its_encoder() -> None:
    alone = smie.SMIE().from_official({f"module.{key}": value for key, value in ESTIMATOR.items()})
    assert alone.keys() == {f"estimator.{key.removeprefix('global_D.')}" for key in ESTIMATOR}
    whole = smie.SMIE().from_official(ESTIMATOR | light())
    back = smie.SMIE().to_official(whole | {"texts.name": torch.zeros(2)})
    assert back.keys() == (ESTIMATOR | light()).keys() - {"A"}


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (ADAPTER | {"adapter.more": torch.zeros(1)}, r"'adapter\.more' has no place"),
        (ADAPTER, r"'data_bn\.weight' is missing"),
        ({"a.adapter.weight": torch.zeros(1), "b.adapter.bias": torch.zeros(1)}, r"behind 'a\.' and 'b\.'"),
        (ADAPTER | {"fcn.weight": torch.zeros(1)}, r"'fcn\.weight' has no place in this model, which has no classes"),
    ],
)
def test_what_is_no_file_of_pgfa(state: dict[str, Tensor], words: str) -> None:
    with pytest.raises(DataError, match=words):
        pgfa.PGFA().from_official(state)


def test_the_way_back_needs_both_parts() -> None:
    with pytest.raises(DataError, match=r"'encoder\.input_norm\.norm\.weight' is missing"):
        pgfa.PGFA().to_official({"head.weight": torch.zeros(1), "head.bias": torch.zeros(1)})
    with pytest.raises(DataError, match=r"'head\.bias' is missing"):
        pgfa.PGFA().to_official({"head.weight": torch.zeros(1)})
    with pytest.raises(DataError, match=r"'estimator\.l0\.bias' is missing"):
        smie.SMIE().to_official({})
