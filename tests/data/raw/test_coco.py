# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import pickle
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonefide.data.raw._source import RawSource
from bonefide.data.raw.coco import COCO
from bonefide.errors import BonefideError, DataError, RawFileError
from bonefide.layouts import SkeletonLayout, layout
from bonefide.types import Array


def poses(frames: int = 4, persons: int = 2, joints: int = 17, channels: int = 2) -> Array:
    rng = np.random.default_rng(joints)
    body = rng.uniform(0, 200, (joints, channels))
    places = 800.0 * np.arange(persons)[:, None, None] + rng.normal(size=(frames, persons, 1, channels))
    return np.round(body + places, 3)


def person(joints: Any, **facts: object) -> dict[str, Any]:
    return {"keypoints": np.asarray(joints).tolist(), "keypoint_scores": [0.5] * len(joints), **facts}


def mmpose(array: Array, **meta: object) -> dict[str, Any]:
    frames = [{"frame_id": t + 1, "instances": [person(each) for each in frame]} for t, frame in enumerate(array)]
    return {"meta_info": meta, "instance_info": frames}


def flat(joints: Array, score: float = 0.5) -> list[float]:
    return np.concatenate([joints, np.full((len(joints), 1), score)], axis=1).ravel().tolist()


def results(array: Array, name: str = "video_{:06}.jpg") -> list[dict[str, Any]]:
    return [
        {"image_id": name.format(t), "keypoints": flat(each), "score": 1.0}
        for t, frame in enumerate(array)
        for each in frame
    ]


def read(facts: Any, reader: COCO | None = None, member: str = "clips/wave.json") -> Any:
    return (reader or COCO()).read(member, facts if isinstance(facts, bytes) else json.dumps(facts).encode())


def code(facts: Any, reader: COCO | None = None) -> str:
    with pytest.raises(RawFileError) as caught:
        read(facts, reader)
    assert caught.value.path == "clips/wave.json"
    return caught.value.code


def check(recording: Any, array: Array) -> None:
    assert recording.name == "wave"
    assert recording.label == -1
    assert recording.fps is None
    assert recording.frames == len(array)
    assert len(recording.bodies) == array.shape[1]
    for number, body in enumerate(recording.bodies):
        np.testing.assert_array_equal(body.joints, array[:, number])
        assert body.frames.tolist() == list(range(len(array)))


@pytest.mark.parametrize("form", ["mmpose", "frames", "results", "integers", "annotations"])
def test_every_form_says_the_same(form: str) -> None:
    array = poses()
    images = [{"id": 90 + t, "file_name": f"seq/{t:06}.jpg"} for t in range(4)]
    annotations = [{"image_id": 90 + t, "keypoints": flat(each, 2)} for t, frame in enumerate(array) for each in frame]
    facts: dict[str, Any] = {
        "mmpose": mmpose(array),
        "frames": mmpose(array)["instance_info"],
        "results": results(array),
        "integers": [{**each, "image_id": int(each["image_id"][6:12])} for each in results(array)],
        "annotations": {"images": images, "annotations": annotations, "categories": [{"name": "person"}]},
    }
    recording = read(facts[form])
    check(recording, array)
    assert recording.warnings == ("followed",)
    sure = recording.bodies[0].confidence
    assert sure.dtype == np.float32
    assert sure.tolist() == [[1.0 if form == "annotations" else 0.5] * 17] * 4


def test_three_coordinates_and_the_axis_some_lifters_keep() -> None:
    array = poses(persons=1, channels=3)
    check(read(mmpose(array)), array)
    kept = mmpose(array)
    for frame in kept["instance_info"]:
        frame["instances"] = [
            {"keypoints": [p["keypoints"]], "keypoint_scores": [p["keypoint_scores"]]} for p in frame["instances"]
        ]
    check(read(kept), array)


def test_without_scores_there_is_no_confidence() -> None:
    facts = mmpose(poses(persons=1))
    for frame in facts["instance_info"]:
        del frame["instances"][0]["keypoint_scores"]
    assert read(facts).bodies[0].confidence is None


def test_one_picture_is_a_clip_of_one_frame() -> None:
    array = poses(frames=1)
    check(read([person(each) for each in array[0]]), array)


@pytest.mark.parametrize("key", ["track_id", "instance_id", "idx"])
def test_ids_of_the_file_are_kept(key: str) -> None:
    array = poses(frames=2)
    if key == "idx":
        facts: Any = results(array)
        for place, each in enumerate(facts):
            each["idx"] = [[7.0, 3][place % 2]]
    else:
        facts = mmpose(array)
        for frame in facts["instance_info"]:
            frame["instances"][0][key], frame["instances"][1][key] = 7, "3"
    recording = read(facts)
    assert [body.id for body in recording.bodies] == ["7", "3"]
    assert recording.warnings == ()
    check(recording, array)


def test_ids_decide_even_against_proximity_and_a_doubled_one_counts_once() -> None:
    array = poses(frames=2)
    facts = mmpose(array)
    for t, frame in enumerate(facts["instance_info"]):
        frame["instances"][0]["track_id"], frame["instances"][1]["track_id"] = t, 1 - t
    first, second = read(facts).bodies
    np.testing.assert_array_equal(first.joints, array[[0, 1], [0, 1]])
    np.testing.assert_array_equal(second.joints, array[[0, 1], [1, 0]])
    for each in facts["instance_info"][0]["instances"]:
        each["track_id"] = 0
    doubled = read(facts)
    assert doubled.warnings == ("duplicate_id",)
    np.testing.assert_array_equal(doubled.bodies[0].joints[0], array[0, 0])


def test_an_id_that_is_missing_once_makes_all_be_followed() -> None:
    facts = mmpose(poses())
    for frame in facts["instance_info"]:
        for number, each in enumerate(frame["instances"]):
            each["track_id"] = 5 + number
    facts["instance_info"][2]["instances"][1]["track_id"] = -1
    recording = read(facts)
    assert recording.warnings == ("followed",)
    check(recording, poses())


def test_frames_without_anybody_are_kept_and_the_first_is_0() -> None:
    array = poses(frames=3, persons=1)
    facts = results(array, "{}.png")
    for each, number in zip(facts, (5, 6, 11), strict=True):
        each["image_id"] = f"{number}.png"
    recording = read(facts)
    assert recording.frames == 7
    assert recording.bodies[0].frames.tolist() == [0, 1, 6]
    empty = mmpose(array)
    empty["instance_info"][0]["instances"] = []
    recording = read(empty)
    assert (recording.frames, recording.bodies[0].frames.tolist()) == (3, [1, 2])


def test_whom_nobody_saw_is_left_out() -> None:
    facts = results(poses(frames=2))
    facts[0]["keypoints"] = [0] * 51
    recording = read(facts)
    assert [body.frames.tolist() for body in recording.bodies] == [[0, 1], [1]]
    assert recording.bodies[0].slots.tolist() == [1, 1]


def test_visibility_of_annotations_is_kept() -> None:
    keypoints = [3, 4, 2] * 5 + [5, 6, 1] * 5 + [0, 0, 0] * 7
    facts = {
        "images": [{"id": "a"}, {"id": "b"}],
        "annotations": [{"image_id": "b", "keypoints": keypoints}, {"image_id": "a"}],
    }
    recording = read(facts)
    (body,) = recording.bodies
    assert recording.frames == 2
    assert body.frames.tolist() == [1]
    assert body.tracked.tolist() == [[2] * 5 + [1] * 5 + [0] * 7]
    assert body.confidence.tolist() == [[1.0] * 10 + [0.0] * 7]


@pytest.mark.parametrize(
    ("joints", "name", "kept"), [(26, "halpe26", 26), (133, "coco17", 17), (136, "halpe26", 26), (17, "coco17", 17)]
)
def test_the_number_of_joints_tells_the_layout(joints: int, name: str, kept: int) -> None:
    array = poses(persons=1, joints=joints)
    for facts in (mmpose(array), results(array)):
        reader = COCO().fitted("a.json", json.dumps(facts).encode())
        assert (reader.layout, reader.channels) == (name, 2)
        recording = read(facts, reader)
        check(recording, array[:, :, :kept])
        assert recording.bodies[0].confidence.shape == (4, kept)
        assert recording.warnings == (("joints_dropped",) if kept < joints else ())
        check(read(facts), array[:, :, :kept])
        if name == "halpe26":
            assert code(facts, COCO("coco17")) == "joints"


def h36m() -> dict[str, Any]:
    names = ["root", "right_hip", "right_knee", "left_hip", "left_knee", "spine"]
    links = [[0, 1], [1, 2], [0, 3], [3, 4], [5, 0]]
    return {"dataset_name": "h36m", "keypoint_id2name": dict(enumerate(names)), "skeleton_links": links}


def test_joints_that_a_file_names_make_their_own_layout() -> None:
    array = poses(persons=1, joints=6, channels=3)
    facts = mmpose(array, **h36m())
    reader = pickle.loads(pickle.dumps(COCO().fitted("a.json", json.dumps(facts).encode())))
    assert isinstance(reader.layout, SkeletonLayout)
    assert reader.layout.name == "h36m"
    assert reader.layout.parents == (0, 0, 1, 0, 3, 0)
    assert reader.layout.mirror == (0, 3, 4, 1, 2, 5)
    check(read(facts, reader), array)
    assert read(mmpose(array), reader).frames == 4, "as many joints, not named"
    check(read(facts), array)
    assert code(facts, COCO("coco17")) == "joints"
    assert code(mmpose(array)) == "joints"


def test_a_declared_layout_reads_what_names_no_joints() -> None:
    own = SkeletonLayout("own", ("a", "b", "c", "d", "e"), (0, 0, 1, 2, 3), (0, 1, 2, 3, 4))
    array = poses(persons=1, joints=5, channels=3)
    reader = COCO(own).fitted("a.json", json.dumps(mmpose(array)).encode())
    assert (reader.layout, reader.channels) == (own, 3)
    check(read(mmpose(array), reader), array)
    assert code(mmpose(array[..., :2]), reader) == "joints"
    assert code(mmpose(poses()), reader) == "joints"
    # What the package has under a name is found by `--layout` as a layout.
    check(read(mmpose(poses(persons=1, joints=133)), COCO(layout("coco17"))), poses(persons=1, joints=133)[:, :, :17])


def test_seventeen_joints_of_another_kind_are_not_taken_for_cocos() -> None:
    names = {str(place): f"joint_{place}" for place in range(17)}
    links = [[0, place] for place in range(1, 17)]
    facts = mmpose(poses(), dataset_name="other", keypoint_id2name=names, skeleton_links=links)
    assert code(facts, COCO("coco17")) == "joints"
    assert code(mmpose(poses(), keypoint_id2name=names)) == "joints"
    spelt = {str(place): name.upper() for place, name in enumerate(layout("coco17").joints)}
    check(read(mmpose(poses(), keypoint_id2name=spelt)), poses())


def test_a_clip_of_alphapose_is_named_by_its_folder() -> None:
    content = json.dumps(results(poses())).encode()
    assert COCO().read("out/wave_3/alphapose-results.json", content).name == "wave_3"
    assert COCO().read("out\\wave_3\\alphapose-results.json", content).name == "wave_3"
    assert COCO().read("alphapose-results.json", content).name == "alphapose-results"
    assert COCO().read("a.b/my.clip.json", content).name == "my.clip"


def test_the_first_clip_with_somebody_informs_the_reader(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[]")
    (tmp_path / "b.json").write_text("damaged")
    with pytest.raises(DataError, match=r"no clip with keypoints of somebody can be read: .*b\.json"):
        COCO().informed(RawSource(tmp_path))
    (tmp_path / "c.json").write_text(json.dumps(mmpose(poses(joints=26, channels=3))))
    (tmp_path / "c_000000000000_keypoints.json").write_text(json.dumps(mmpose(poses())))
    assert COCO().informed(RawSource(tmp_path)) == COCO("halpe26", 3)


def test_knows_its_files_by_name() -> None:
    reader = COCO()
    assert all(map(reader.matches, ("a.json", "x/a.JSON", "person_keypoints.json", "person_keypoints_val2017.json")))
    assert not any(map(reader.matches, ("a.json.gz", "a.csv", "x_000000000000_keypoints.json")))
    assert not reader.is_side("a.json")


def bent(**facts: object) -> list[dict[str, Any]]:
    return [{**results(poses(2, 1))[0], **facts}]


IMAGES = {"images": [{"id": 1, "file_name": "a/1.jpg"}, {"id": 2, "file_name": "b/1.jpg"}]}
SHORT = mmpose(poses(2, 1))
FAULTS: dict[str, tuple[str, Any]] = {
    "cut": ("truncated", json.dumps(SHORT).encode()[:-30]),
    "NaN": ("nonfinite", json.dumps(SHORT).replace("[0.5", "[NaN").encode()),
    "infinite": ("nonfinite", json.dumps(SHORT).replace("[0.5", "[1e999").encode()),
    "a number": ("keys", 7),
    "another object": ("keys", {"frames": []}),
    "a list of numbers": ("keys", [1, 2]),
    "nobody": ("no_frames", []),
    "nobody in a frame": ("no_frames", [{"frame_id": 1, "instances": []}]),
    "nobody seen": ("no_frames", bent(keypoints=[0, 0, 0] * 17)),
    "instances that are no list": ("keys", [{"frame_id": 1, "instances": 3}]),
    "instances that are missing": ("keys", [*SHORT["instance_info"], {"frame_id": 8}]),
    "no keypoints": ("keys", [{"image_id": 1, "bbox": [1, 2, 3, 4]}]),
    "keypoints that are no list": ("keys", bent(keypoints="1 2 3")),
    "empty keypoints": ("joints", bent(keypoints=[])),
    "16 joints": ("joints", bent(keypoints=[1, 2, 3] * 16)),
    "51 numbers and one": ("joints", bent(keypoints=[1, 2, 3] * 17 + [1])),
    "other joints later": ("joints", [*results(poses(2, 1)), *bent(keypoints=[1, 2, 3] * 26, image_id=9)]),
    "nested and flat": ("joints", [*bent(keypoints=[[1, 2]] * 17), *bent(image_id=9)]),
    "flat and nested": ("number", [*bent(), *bent(keypoints=[[1, 2]] * 51, image_id=9)]),
    "ragged": ("joints", [person([[1, 2]] * 17), {"keypoints": [[1, 2]] * 16 + [[1]]}]),
    "four numbers": ("joints", [person([[1, 2, 3, 4]] * 17)]),
    "scores of some": ("joints", [person([[1, 2]] * 17), {"keypoints": [[1, 2]] * 17}]),
    "16 scores": ("joints", [{"keypoints": [[1, 2]] * 17, "keypoint_scores": [1] * 16}]),
    "null": ("number", bent(keypoints=[None, 0, 1] * 17)),
    "true": ("number", bent(keypoints=[True, 0, 1] * 17)),
    "an image without number": ("frames", bent(image_id="wave.jpg")),
    "no image": ("frames", bent(image_id=None)),
    "image true": ("frames", bent(image_id=True)),
    "image -1": ("frames", bent(image_id=-1)),
    "image 10**30": ("frames", bent(image_id=10**30)),
    "images of no clip": ("frames", [*bent(image_id=5), *bent(image_id=10**12)]),
    "a frame twice": ("frames", SHORT["instance_info"] * 2),
    "two clips": ("clips", [*bent(image_id="a_01.jpg"), *bent(image_id="b_01.jpg")]),
    "a crowd": ("count", bent() * 65),
    "images without id": ("keys", {"images": [{}], "annotations": []}),
    "an image that is not there": ("keys", {"images": [{"id": 1}], "annotations": bent(image_id=2)}),
    "an image that is a list": ("keys", {"images": [{"id": 1}], "annotations": bent(image_id=[1])}),
    "annotations that are none": ("keys", {"images": [{"id": 1}], "annotations": 5}),
    "images of two clips": ("clips", {**IMAGES, "annotations": []}),
    "a category of few names": ("joints", {**IMAGES, "annotations": [], "categories": [{"keypoints": ["a", 3]}]}),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_have_codes(fault: str) -> None:
    expected, facts = FAULTS[fault]
    assert code(facts) == expected


@pytest.mark.parametrize("frames", [10_000, 100])
def test_sparse_frames_are_believed_within_reason(frames: int) -> None:
    facts = [*bent(image_id=0), *bent(image_id=frames - 1)]
    assert read(facts).frames == frames
    facts[1]["image_id"] = 10_000
    assert code(facts) == "frames"


def test_an_open_clip_that_nobody_informed_is_refused_by_its_size() -> None:
    with pytest.raises(RawFileError, match="no layout known") as caught:
        COCO().fitted("a.json", json.dumps(mmpose(poses(joints=5))).encode())
    assert caught.value.code == "joints"
    with pytest.raises(RawFileError) as caught:
        COCO().fitted("a.json", b"[]")
    assert caught.value.code == "no_frames"


SOUND = json.dumps(mmpose(poses(2, 2))).encode()


@settings(max_examples=200, deadline=None)
@given(place=st.integers(0, len(SOUND) - 1), cut=st.integers(0, 40), put=st.binary(max_size=20))
def test_corruption_never_crashes(place: int, cut: int, put: bytes) -> None:
    try:
        recording = COCO().read("wave.json", SOUND[:place] + put + SOUND[place + cut :])
    except BonefideError:
        return
    assert all(np.isfinite(body.joints).all() for body in recording.bodies)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(
            ["instance_info", "instances", "frame_id", "keypoints", "image_id", "images", "annotations", "id", "idx",
             "meta_info", "keypoint_id2name", "categories", "file_name", "keypoint_scores", "skeleton", "0"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_any_json_never_crashes(value: object) -> None:
    content = json.dumps(value).encode()
    for call in (COCO().read, COCO().fitted):
        try:
            call("wave.json", content)
        except RawFileError:
            continue


def test_ten_megabytes_take_a_second_at_most() -> None:
    content = json.dumps(mmpose(np.round(poses(3000, 2) + 0.123456, 6))).encode()
    start = time.process_time()
    read(content)
    taken = time.process_time() - start
    assert taken < len(content) / 10e6 * 2, "twice what is promised, for a busy machine"
