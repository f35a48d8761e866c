# SPDX-License-Identifier: Apache-2.0
"""PKU-MMD: pieces of its videos against the official scripts of MAMP and Neuron, and who trains."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from fixture import Fixture

from bonefide.data.preparation._facing import central_frames, count_frames
from bonefide.data.preparation._pkummd import place_blocks
from bonefide.data.preparation.pkummd_mamp import PKUMMDMAMP
from bonefide.data.preparation.pkummd_neuron import PKUMMDNeuron
from bonefide.data.raw._recording import RawRecording
from bonefide.data.raw._source import RawSource
from bonefide.data.raw.pkummd import PKUMMD
from bonefide.errors import RawFileError
from bonefide.types import Array, SkeletonSequence

__all__ = ["CHECKS"]

FRAMES = 300
PROTOCOLS = {"xsub": "xsub", "xview": "xview", "XSub": "xsub", "XView": "xview"}


def _recordings(fixture: Fixture) -> Iterator[RawRecording]:
    """Videos of the phase the fixture is of, informed by all labels and lists of the archive."""
    folder = f"phase{fixture.name[len('data_pku')]}/"
    with RawSource(fixture.sibling("data_pku_raw.zip")) as source:
        reader = PKUMMD().informed(source)
        assert reader.listed == ("xsub", "xview")
        for member, _ in source.members:
            if member.startswith(folder) and reader.matches(member):
                yield reader.read(member, source.read(member))


def _prepared(fixture: Fixture, step: PKUMMDMAMP | PKUMMDNeuron) -> tuple[list[RawRecording], list[SkeletonSequence]]:
    """Pieces and what came of them, in the order of their names; those that are zero go, as officially."""
    found = []
    for recording in _recordings(fixture):
        assert recording.warnings == ()
        for piece in step.cut(recording):
            try:
                found.append((piece.name, piece, step(piece)))
            except RawFileError as fault:
                if fault.code != "zero":
                    raise
    found.sort(key=lambda each: each[0])
    return [piece for _, piece, _ in found], [sequence for _, _, sequence in found]


def _check_parts(fixture: Fixture, pieces: list[RawRecording], names: list[str]) -> None:
    checked = 0
    for official, protocol in PROTOCOLS.items():
        if f"output/{official}/train_names" in fixture.arrays:
            trains = [name for name, piece in zip(names, pieces, strict=True) if protocol in piece.trains]
            assert trains == fixture.arrays[f"output/{official}/train_names"].tolist()
            tests = [name for name in names if name not in trains]
            assert tests == fixture.arrays[f"output/{official}/test_names"].tolist()
            checked += 1
    assert checked == 2


def _padded(joints: Array, frames: int) -> Array:
    padded = np.zeros((2, frames, *joints.shape[2:]), joints.dtype)
    padded[: joints.shape[0], : joints.shape[1]] = joints
    return padded


def _check_mamp(fixture: Fixture) -> None:
    pieces, sequences = _prepared(fixture, PKUMMDMAMP())
    # Ours has three digits, so that ten pieces and more stay in order.
    names = [f"{name[:-4]}_{int(name[-3:])}" for name in (sequence.name for sequence in sequences)]
    assert names == fixture.arrays["output/names"].tolist()
    assert [sequence.label for sequence in sequences] == fixture.arrays["output/labels"].tolist()
    ours = [_padded(each.joints, FRAMES).transpose(1, 0, 2, 3).reshape(FRAMES, -1) for each in sequences]
    np.testing.assert_array_equal(np.stack(ours), fixture.arrays["output/x"])
    _check_parts(fixture, pieces, names)


def _check_neuron(fixture: Fixture) -> None:
    pieces, sequences = _prepared(fixture, PKUMMDNeuron())
    names = [sequence.name for sequence in sequences]
    assert not set(names) & set(fixture.meta["missing"])
    assert names == fixture.arrays["output/names"].tolist()
    assert [sequence.label for sequence in sequences] == fixture.arrays["output/labels"].tolist()
    ours = np.stack([_padded(each.joints, 64).transpose(3, 1, 2, 0) for each in sequences])
    np.testing.assert_allclose(ours, fixture.arrays["output/x"], rtol=0, atol=1e-5)
    lengths = [count_frames(central_frames(place_blocks(piece))) for piece in pieces]
    assert lengths == fixture.arrays["output/length"].tolist()
    _check_parts(fixture, pieces, names)


CHECKS = {
    "data_pku1_mamp": _check_mamp,
    "data_pku2_mamp": _check_mamp,
    "data_pku1_neuron": _check_neuron,
    "data_pku2_neuron": _check_neuron,
}
