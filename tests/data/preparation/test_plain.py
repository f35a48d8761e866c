# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bonefide.data.preparation._plain_steps import recording_of
from bonefide.data.preparation._preparation import ChangesJoints
from bonefide.data.preparation.nwucla import NWUCLA
from bonefide.data.preparation.plain import Plain
from bonefide.data.preparation.utdmhad import UTDMHAD
from bonefide.data.raw._recording import RawBody, RawRecording
from bonefide.errors import DataError, RawFileError, ShapeError, UnknownNameError
from bonefide.layouts import SkeletonLayout, layout
from bonefide.layouts.conversion import conversion


def _recording(*bodies: RawBody, frames: int = 5) -> RawRecording:
    return RawRecording("x", 3, frames, None, bodies)


def _body(name: str, frames: list[int], joints: int = 20) -> RawBody:
    places = np.array(frames)
    return RawBody(name, places, np.zeros_like(places), np.random.default_rng(0).normal(size=(len(frames), joints, 3)))


def test_bodies_stay_on_their_true_frames() -> None:
    first, second = _body("7", [0, 1, 4]), _body("9", [2])
    sequence = Plain()(_recording(first, second))
    assert (sequence.name, sequence.label, sequence.joints.shape) == ("x", 3, (2, 5, 20, 3))
    np.testing.assert_array_equal(sequence.joints[0, [0, 1, 4]], first.joints)
    np.testing.assert_array_equal(sequence.joints[1, 2], second.joints[0])
    assert not sequence.joints[0, [2, 3]].any()
    assert not sequence.joints[1, [0, 1, 3, 4]].any()


@pytest.mark.parametrize("preparation", [Plain(), NWUCLA(), UTDMHAD()])
@pytest.mark.parametrize("empty", [_recording(), _recording(frames=0)])
def test_a_recording_without_bodies_is_refused(preparation: Plain, empty: RawRecording) -> None:
    with pytest.raises(RawFileError) as caught:
        preparation(empty)
    assert caught.value.code == "no_frames"


def _with_layout(name: str = "ucla20", *, frames: int = 5, fps: float | None = None) -> RawRecording:
    joints = len(layout(name).joints)
    first, second = _body("7", [0, 1, 4], joints), _body("9", [2, 3], joints)
    return dataclasses.replace(_recording(first, second, frames=frames), layout=layout(name), fps=fps)


def test_without_options_even_odd_values_stay() -> None:
    body = _body("7", [0, 1])
    body.joints[0, 3], body.joints[1, 4, 0] = 0, np.nan
    sure = dataclasses.replace(body, confidence=np.zeros((2, 20), dtype=np.float32))
    np.testing.assert_array_equal(Plain()(_recording(sure, frames=2)).joints[0], body.joints)


@pytest.mark.parametrize("options", [{"scale": 1.0}, {"persons": 2}, {"fill_gaps": 0}, {"to": "ucla20"}, {"fps": 30.0}])
def test_options_that_ask_for_nothing_change_nothing(options: dict[str, object]) -> None:
    recording = _with_layout(fps=30.0)
    assert np.array_equal(Plain(**options)(recording).joints, Plain()(recording).joints)  # type: ignore[arg-type]


def test_a_preparation_that_changes_joints_says_which() -> None:
    assert isinstance(Plain(), ChangesJoints)
    ucla20, ntu25 = layout("ucla20"), layout("ntu25")
    assert Plain().result(ucla20, 3) == (ucla20, 3, ())
    assert Plain(confidence=True).result(ucla20, 2) == (ucla20, 3, ())
    inferred = ("neck", "left_hand_tip", "left_thumb", "right_hand_tip", "right_thumb")
    assert Plain(to="ntu25").result(ucla20, 3) == (ntu25, 3, inferred)


@pytest.mark.parametrize(
    "plain",
    [Plain(to="ntu25"), Plain(confidence=True), Plain(to="coco17", confidence=True, mirror=True), Plain(fps=60)],
)
def test_what_it_returns_is_what_it_said(plain: Plain) -> None:
    recording = _with_layout(fps=30.0)
    assert recording.layout is not None
    target, channels, _ = plain.result(recording.layout, 3)
    assert plain(recording).joints.shape[2:] == (len(target.joints), channels)


def test_another_layout_is_that_of_the_conversion() -> None:
    recording = _with_layout("ntu25")
    before, after = Plain()(recording).joints, Plain(to="utd20")(recording).joints
    expected, _ = conversion(layout("ntu25"), layout("utd20")).apply(before)
    np.testing.assert_array_equal(after, expected)


def test_joints_that_need_an_unsure_one_vanish() -> None:
    body = _body("7", [0], 17)
    sure = np.ones((1, 17), dtype=np.float32)
    sure[0, layout("coco17").joints.index("left_hip")] = 0
    recording = _recording(dataclasses.replace(body, confidence=sure), frames=1)
    joints = Plain(to="ntu25", confidence=True)(dataclasses.replace(recording, layout=layout("coco17"))).joints
    gone = {name for name, joint in zip(layout("ntu25").joints, joints[0, 0], strict=True) if not joint.any()}
    assert gone == {"spine_base", "spine_middle", "left_hip"}
    assert set(joints[0, 0, :, 3]) == {0.0, 1.0}


def test_steps_together() -> None:
    """Millimetres, z up, mirrored, 20 frames a second: what comes out is what each step promises."""
    recording = _with_layout(fps=20.0)
    raw = Plain()(recording).joints
    made = Plain(up="z", scale=0.001, mirror=True, fps=10, persons=1, center="spine", fill_gaps=2)(recording).joints
    assert made.shape == (1, 3, 20, 3)
    swapped = raw[0][:, list(layout("ucla20").mirror)]
    metres = np.stack([swapped[..., 0], swapped[..., 2], swapped[..., 1]], axis=-1) * 0.001
    origin = metres[0, 1]
    np.testing.assert_allclose(made[0, 0], metres[0] - origin, atol=1e-12)
    np.testing.assert_allclose(made[0, 2], metres[4] - origin, atol=1e-12)
    np.testing.assert_allclose(made[0, 1], (2 * metres[1] + metres[4]) / 3 - origin, atol=1e-12)


def test_a_rate_that_is_unknown_is_left() -> None:
    assert Plain(fps=10)(_with_layout()).joints.shape[1] == 5
    assert Plain(fps=10)(_with_layout(fps=20.0)).joints.shape[1] == 3


def test_a_stored_sequence_can_be_prepared_again() -> None:
    stored = Plain(to="ntu25", confidence=True)(_with_layout())
    recording = recording_of(stored, layout("ntu25"), confidence=True)
    np.testing.assert_array_equal(Plain(confidence=True)(recording).joints, stored.joints)
    back, before = Plain(to="ucla20")(recording).joints, Plain()(_with_layout()).joints
    np.testing.assert_array_equal(back[..., 2:, :], before[..., 2:, :])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"to": "ntu26"}, UnknownNameError, "layouts: no 'ntu26'; did you mean 'ntu25'"),
        ({"up": "w"}, UnknownNameError, "axes that may point up: no 'w'"),
        ({"scale": 0.0}, DataError, "scale must be a number above 0.*got 0.0"),
        ({"scale": -1.0}, DataError, "scale must be"),
        ({"scale": float("nan")}, DataError, "scale must be"),
        ({"scale": float("inf")}, DataError, "scale must be"),
        ({"fps": -1.0}, DataError, "fps must be 0 to 240"),
        ({"fps": 241.0}, DataError, "fps must be 0 to 240"),
        ({"fps": float("nan")}, DataError, "fps must be 0 to 240"),
        ({"persons": -1}, DataError, "persons must be 0, for all"),
        ({"fill_gaps": -1}, DataError, "fill_gaps must be 0, for none"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Plain(**options)  # type: ignore[arg-type]


def test_options_that_joints_do_not_allow_are_refused_before_any_file_is_read() -> None:
    with pytest.raises(UnknownNameError, match="joints of ntu25: no 'spin_base'; did you mean 'spine_base'"):
        Plain(to="ntu25", center="spin_base").result(layout("ucla20"), 3)
    with pytest.raises(DataError, match="up='-z' needs three coordinates, and these joints have 2"):
        Plain(up="-z").result(layout("coco17"), 2)
    strange = SkeletonLayout("snake", ("front", "tail"), (0, 0), (0, 1))
    with pytest.raises(ShapeError, match="no joint of ntu25 follows from those of snake"):
        Plain(to="ntu25").result(strange, 3)


def test_recordings_that_do_not_fit_are_refused() -> None:
    flat = _with_layout()
    flat = dataclasses.replace(
        flat, bodies=tuple(dataclasses.replace(body, joints=body.joints[..., :2]) for body in flat.bodies)
    )
    with pytest.raises(DataError, match="up='z' needs three coordinates, and the joints of x have 2"):
        Plain(up="z")(flat)
    assert Plain(up="-y")(flat).joints.shape[-1] == 2
    for options in ({"to": "ntu25"}, {"mirror": True}, {"center": "spine"}):
        with pytest.raises(DataError, match="need to know the layout of x"):
            Plain(**options)(_recording(_body("7", [0])))  # type: ignore[arg-type]
    with pytest.raises(RawFileError, match="20 joints, where layout ntu25 has 25") as caught:
        Plain(to="coco17")(dataclasses.replace(_with_layout(), layout=layout("ntu25")))
    assert caught.value.code == "joints"
    for fps in (0.5, 1001.0, float("nan"), float("inf"), 0.0, -30.0):
        with pytest.raises(RawFileError, match="frames per second are not believable") as caught:
            Plain(fps=30)(_with_layout(fps=fps))
        assert caught.value.code == "fps"


def test_reflection_negates_x_alone() -> None:
    joints = np.array([[[[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]]])
    body = RawBody("1", np.array([0]), np.array([0]), joints[0])
    got = Plain(reflect=True)(RawRecording("a", 0, 1, None, (body,))).joints
    assert got.tolist() == [[[[-1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]]]
    assert not np.signbit(got[0, 0, 1]).any()
    flat = RawBody("1", np.array([0]), np.array([0]), joints[0, :, :, :2])
    assert Plain(reflect=True)(RawRecording("a", 0, 1, None, (flat,))).joints[0, 0, 0].tolist() == [-1.0, 2.0]
