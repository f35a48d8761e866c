# SPDX-License-Identifier: Apache-2.0
"""Raw archives of real recordings, read whole, against what the official feeders make of them."""

from __future__ import annotations

import re

import numpy as np
from fixture import Fixture

from bonefide.data.raw import reader
from bonefide.data.raw._recording import RawRecording
from bonefide.data.raw._source import RawSource
from bonefide.transforms import Compose
from bonefide.transforms.center import Center
from bonefide.transforms.normalize import Normalize
from bonefide.transforms.sample_frames import SampleFrames

__all__ = ["CHECKS"]


def _tolerance(fixture: Fixture) -> dict[str, float]:
    """The numbers of the sentence its makers wrote: "rtol 1e-9, atol 1e-7"."""
    found = {kind: float(value) for kind, value in re.findall(r"([ar]tol) ([\d.e+-]+)", fixture.meta["tolerance"])}
    assert "rtol" in found
    return {"atol": 0.0, **found}


def _recordings(fixture: Fixture, dataset: str) -> dict[str, RawRecording]:
    raw = reader(dataset)
    with RawSource(fixture.real_archive(dataset)) as source:
        members = [name for name, _ in source.members if raw.matches(name)]
        return {each.name: each for each in (raw.read(name, source.read(name)) for name in members)}


def check_ucla_digest(fixture: Fixture) -> None:
    recordings, tolerance = _recordings(fixture, "nwucla"), _tolerance(fixture)
    names = fixture.arrays["output/names"].tolist()
    ours = [recordings[name] for name in names]
    np.testing.assert_array_equal([each.label for each in ours], fixture.arrays["output/labels"])
    np.testing.assert_array_equal([each.frames for each in ours], fixture.arrays["output/frames"])
    joints = [each.bodies[0].joints for each in ours]
    raw_sums = [each.sum(axis=(0, 1)) for each in joints]
    np.testing.assert_allclose(raw_sums, fixture.arrays["output/raw_sum"], **tolerance)
    chain = Compose((Center(1), Normalize("box"), SampleFrames(52, random=False)))
    clips = [chain(each.transpose(2, 0, 1)[..., None], np.random.default_rng(0)) for each in joints]
    np.testing.assert_allclose(
        [clip.sum(axis=(1, 2, 3)) for clip in clips], fixture.arrays["output/test_mode_sum"], **tolerance
    )
    np.testing.assert_allclose(
        [np.abs(clip).sum() for clip in clips], fixture.arrays["output/test_mode_abs_sum"], **tolerance
    )


def check_utd_digest(fixture: Fixture) -> None:
    recordings, tolerance = _recordings(fixture, "utdmhad"), _tolerance(fixture)
    listed = fixture.arrays["output/action_subject_trial"].tolist()
    ours = [recordings[f"a{action}_s{subject}_t{trial}"] for action, subject, trial in listed]
    trains = {each.name for each in recordings.values() if each.subject % 2}
    assert {each.name for each in ours} == trains
    np.testing.assert_array_equal([[each.label + 1, each.subject, each.repeat] for each in ours], listed)
    np.testing.assert_array_equal([each.frames for each in ours], fixture.arrays["output/frames"])
    joints = [each.bodies[0].joints for each in ours]
    np.testing.assert_allclose(
        [each.sum(axis=(0, 1)) for each in joints], fixture.arrays["output/sum_xyz"], **tolerance
    )
    corners = [[each[0, 0, 0], each[-1, 19, 2]] for each in joints]
    np.testing.assert_allclose(corners, fixture.arrays["output/first_last"], **tolerance)


CHECKS = {"data_ucla_digest": check_ucla_digest, "data_utd_digest": check_utd_digest}
