# SPDX-License-Identifier: Apache-2.0
"""NTU RGB+D in 50 frames against the official scripts of AimCLR.

The sums of their motion stream, `motion_sum`, are left out: it is not stored (see `NTU50Frames`).
"""

from __future__ import annotations

from zipfile import ZipFile

import numpy as np
from fixture import Fixture

from bonefide.data import datasets
from bonefide.data.preparation._facing import count_frames
from bonefide.data.preparation._slots import place_slots
from bonefide.data.preparation.ntu_50frames import NTU50Frames
from bonefide.data.raw.ntu import NTU

__all__ = ["CHECKS"]


def _check(fixture: Fixture) -> None:
    info, names = datasets.info("ntu60"), fixture.arrays["output/names"].tolist()
    with ZipFile(fixture.sibling("data_ntu_raw.zip")) as archive:
        recordings = [NTU().read(f"{name}.skeleton", archive.read(f"{name}.skeleton")) for name in names]
    assert [recording.label for recording in recordings] == fixture.arrays["output/labels"].tolist()
    positions, sums, lengths = (fixture.arrays[f"output/{name}"] for name in ("position", "full_sum", "length"))
    for recording, position, full_sum, length in zip(recordings, positions, sums, lengths, strict=True):
        listed = place_slots(recording, 2, dtype="float32")
        assert count_frames(listed) == length, recording.name
        joints = NTU50Frames()(recording).joints
        persons = len(joints)
        assert not position[..., persons:].any()
        np.testing.assert_allclose(
            joints.transpose(3, 1, 2, 0), position[..., :persons], rtol=0, atol=1e-5, err_msg=recording.name
        )
        ours = listed.sum(axis=1).transpose(2, 1, 0)
        np.testing.assert_allclose(ours, full_sum[..., :persons], rtol=0, atol=1e-3, err_msg=recording.name)
    for protocol in ("xsub", "xview"):
        rule = info.protocols[protocol]
        trains = [each.name for each in recordings if getattr(each, rule.by) in rule.train]
        assert trains == fixture.arrays[f"output/{protocol}/train_names"].tolist()
        tests = [name for name in names if name not in trains]
        assert tests == fixture.arrays[f"output/{protocol}/val_names"].tolist()


CHECKS = {"data_ntu_aimclr50": _check}
