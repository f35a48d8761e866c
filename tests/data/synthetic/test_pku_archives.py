# SPDX-License-Identifier: Apache-2.0
"""Made-up PKU-MMD folders, read by a parser of this test's own."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import py7zr
import pytest
from py7zr.io import BytesIOFactory

from bonefide.data.synthetic.bodies import Body, subject
from bonefide.data.synthetic.pku_archives import PKUMMD1
from bonefide.data.synthetic.write import synthesize
from bonefide.errors import DataError, OutputError

# Official classes by name and number, 1-based, of the alphabetical list.
OFFICIAL = {"hand waving": 13, "handshaking": 14, "hugging other person": 16, "kicking something": 19, "pickup": 22}
SIZE: dict[str, Any] = {"subjects": 3, "repeats": 2}


def members(path: Path) -> dict[str, str]:
    kept = BytesIOFactory(2**30)
    with py7zr.SevenZipFile(path) as archive:
        archive.extractall(factory=kept)
    return {name: file.read().decode("ascii") for name, file in kept.products.items()}


def rows(text: str) -> np.ndarray:
    return np.loadtxt(io.StringIO(text), delimiter=" ", ndmin=2)


def spans(text: str) -> np.ndarray:
    return np.loadtxt(io.StringIO(text), delimiter=",", dtype=np.int64, ndmin=2)


def lists(path: Path) -> tuple[list[str], list[str]]:
    lines = path.read_text().split("\n")
    assert (lines[0], lines[2], lines[4:]) == ("Training videos: ", "Validataion videos: ", [""])
    return tuple([name for name in line.split(", ") if name] for line in (lines[1], lines[3]))  # type: ignore[return-value]


def videos(folder: Path) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    labels = members(folder / "Label_PKU.7z")
    for member, text in members(folder / "PKU_Skeleton.7z").items():
        stem = Path(member).stem
        yield stem, rows(text), spans(labels[f"label/{stem}.txt"])


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesize("pkummd1", tmp_path_factory.mktemp("pku") / "one", **SIZE)


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesize("pkummd2", tmp_path_factory.mktemp("pku") / "two", **SIZE)


def test_names_are_official_and_every_video_has_its_labels(first: Path, second: Path) -> None:
    for folder, pattern in ((first, r"\d{4}-[LMR]"), (second, r"A\d\dN\d\d-[LMR]")):
        skeletons, labels = members(folder / "PKU_Skeleton.7z"), members(folder / "Label_PKU.7z")
        stems = [Path(name).stem for name in skeletons]
        assert all(re.fullmatch(pattern, stem) for stem in stems)
        assert stems == sorted(set(stems))
        assert len(stems) == 3 * 2 * 3
        assert list(labels) == [f"label/{stem}.txt" for stem in stems]
        assert list(skeletons) == [f"skeleton/{stem}.txt" for stem in stems]
    assert "0002-L" in "".join(members(first / "Label_PKU.7z"))
    assert "A02N03-R" in "".join(members(second / "Label_PKU.7z"))


def test_intervals_are_in_order_inside_the_video_with_pauses_between(first: Path, second: Path) -> None:
    for folder, least, most in ((first, 8, 20), (second, 5, 10)):
        counts = set()
        for _, frames, labels in videos(folder):
            assert frames.shape[1] == 150
            assert ((labels[:, 0] >= 1) & (labels[:, 0] <= 51)).all()
            assert (labels[:, 3] == 2).all()
            assert (np.diff(labels[:, 1:3]) >= 39).all()
            assert labels[0, 1] >= 20
            assert (labels[1:, 1] - labels[:-1, 2] >= 20).all()
            assert labels[-1, 2] <= len(frames) - 20
            counts.add(len(labels))
        assert min(counts) >= least
        assert max(counts) <= most
        assert len(counts) > 2


def test_two_bodies_are_there_in_interactions_and_one_elsewhere(first: Path) -> None:
    seen = {True: 0, False: 0}
    for _, frames, labels in videos(first):
        there = (frames.reshape(len(frames), 2, 75) != 0).any(axis=2).sum(axis=1)
        for number, begin, end, _ in labels:
            pair = number in (14, 16, 27)
            seen[pair] += 1
            usual = np.median(there[begin - 1 : end])
            assert usual == 2 if pair else usual >= 1
    assert min(seen.values()) > 10
    alone = [
        np.mean((frames[labels[0, 1] - 1 : labels[0, 2], 75:] == 0).all(axis=1))
        for _, frames, labels in videos(first)
        if labels[0, 0] not in (14, 16, 27)
    ]
    assert np.median(alone) == 1.0


def test_bones_have_the_lengths_of_the_people_in_action_and_pause(first: Path) -> None:
    # Videos 0002 and 0003 are of person 1, 0004 and 0005 of person 2, and so on.
    for stem, frames, _ in videos(first):
        body = Body(subject(int(stem[:4]) // 2))
        joints = frames.reshape(len(frames), 2, 25, 3)
        # The longest part without anybody else beside the performer.
        single = joints[(joints[:, 1] == 0).all(axis=(1, 2)) & (joints[:, 0] != 0).any(axis=(1, 2)), 0]
        for upper, lower, length in ((12, 13, body.thigh), (9, 10, body.forearm), (8, 9, body.upper_arm)):
            found = np.linalg.norm(single[:, upper] - single[:, lower], axis=1)
            assert np.median(found) == pytest.approx(length, rel=0.06)
            assert np.quantile(found, 0.9) < 1.25 * length
            assert np.quantile(found, 0.1) > 0.75 * length


def test_nobody_jumps_or_hurries_between_actions(first: Path) -> None:
    """The middle of the body is slower than 2.4 m/s, from an action's last frame to the next one's first."""
    for _, frames, labels in videos(first):
        joints = frames.reshape(len(frames), 2, 25, 3)
        # In a pause before or after a visit the place of the performer may change.
        single = (joints[:, 1] == 0).all(axis=(1, 2)) & (joints[:, 0] != 0).any(axis=(1, 2))
        for begin, end in zip(labels[:-1, 2], labels[1:, 1], strict=True):
            part = slice(begin - 2, end + 1)
            steps = np.linalg.norm(np.diff(joints[part, 0, :2], axis=0), axis=2)[single[part][1:] & single[part][:-1]]
            assert steps.max(initial=0.0) < 0.08


def test_views_see_the_same_labels_and_another_picture(first: Path) -> None:
    found = {stem: (frames, labels) for stem, frames, labels in videos(first)}
    for view in "LR":
        frames, labels = found[f"0002-{view}"]
        middle, same = found["0002-M"]
        np.testing.assert_array_equal(labels, same)
        assert len(frames) == len(middle)
        assert np.abs(frames - middle).max() > 0.3


def test_left_and_right_views_stand_on_their_sides(first: Path) -> None:
    """The performer looks towards the middle; the left shoulder is nearer to the left camera."""
    nearer: dict[str, list[float]] = {"L": [], "R": []}
    for stem, frames, _ in videos(first):
        joints = frames.reshape(len(frames), 2, 25, 3)[:, 0]
        if stem[-1] in nearer:
            nearer[stem[-1]].append(float(np.median(joints[:, 8, 2] - joints[:, 4, 2])))
    assert np.mean(nearer["L"]) > 0.05
    assert np.mean(nearer["R"]) < -0.05


def test_lists_cover_all_videos_by_person_and_by_view(first: Path, second: Path) -> None:
    for folder, names in ((first, ("cross-subject", "cross-view")), (second, ("cross_subject_v2", "cross_view_v2"))):
        stems = {stem for stem, _, _ in videos(folder)}
        for name in names:
            training, testing = lists(folder / f"{name}.txt")
            assert set(training) | set(testing) == stems
            assert not set(training) & set(testing)
    training, _ = lists(first / "cross-view.txt")
    assert {name[-1] for name in training} == {"M", "R"}
    training, testing = lists(first / "cross-subject.txt")
    assert {name[:4] for name in training} == {"0002", "0003", "0006", "0007"}
    assert {name[-1] for name in testing} == {"L", "M", "R"}
    training, testing = lists(second / "cross_subject_v2.txt")
    assert {name[3:6] for name in testing} == {"N02"}


def test_the_phases_share_no_performance(first: Path, second: Path) -> None:
    lengths = [{tuple(line) for _, _, labels in videos(folder) for line in labels[:, :3]} for folder in (first, second)]
    assert not lengths[0] & lengths[1]


def test_actions_get_the_official_numbers(tmp_path: Path) -> None:
    actions = ["wave", "kick", "shake hands", "hug", "pick up with one hand", "pick up with two hands"]
    folder = synthesize("pkummd2", tmp_path / "few", subjects=1, cameras=1, repeats=3, actions=actions)
    numbers = {int(number) for _, _, labels in videos(folder) for number in labels[:, 0]}
    assert numbers == set(OFFICIAL.values())
    assert all(stem.endswith("-M") for stem, _, _ in videos(folder))


def test_official_numbers_are_those_of_the_class_list(shared_data: Path) -> None:
    names = json.loads((shared_data / "class_names.json").read_text())["pkummd"]
    said = {action: names[number - 1] for action, number in PKUMMD1.classes.items()}
    expected = {name: names[number - 1] for name, number in OFFICIAL.items()}
    assert all(name == found for name, found in expected.items())
    assert said["bow"] == "bow"
    assert said["drink"] == "drink water"
    assert said["drop trash"] == "drop"
    assert said["put on a jacket"] == "wear jacket"
    assert said["take off a jacket"] == "take off jacket"
    assert said["put on a hat"] == "put on a hat/cap"
    assert said["phone call"] == "make a phone call/answer phone"
    assert said["push"] == "pushing other person"
    for action, word in {"cheer": "cheer up", "clap": "clapping", "jump": "jump up", "salute": "salute"}.items():
        assert said[action] == word
    for action, word in {"sit down": "sitting down", "stand up": "standing up", "throw": "throw"}.items():
        assert said[action] == word


def test_who_sits_down_stands_up_next(first: Path) -> None:
    found = 0
    for _, _, labels in videos(first):
        numbers = labels[:, 0].tolist()
        for place, number in enumerate(numbers[:-1]):
            if number == 33:
                assert numbers[place + 1] == 34
                found += 1
    assert found > 0


def test_at_most_seven_significant_digits_and_no_minus_zero(second: Path) -> None:
    fields = next(iter(members(second / "PKU_Skeleton.7z").values())).split()
    digits = [field.split("e")[0].lstrip("-").replace(".", "").lstrip("0") for field in fields]
    assert 6 <= max(map(len, digits)) <= 7
    assert "-0" not in fields


def test_same_arguments_same_bytes_other_seed_other_bytes(tmp_path: Path) -> None:
    some: dict[str, Any] = {"subjects": 1, "cameras": 1, "actions": ["throw", "hug"]}
    written = [
        synthesize("pkummd2", tmp_path / name, seed=seed, **some) for name, seed in zip("abc", (5, 5, 6), strict=True)
    ]
    contents = [{file.name: file.read_bytes() for file in folder.iterdir()} for folder in written]
    assert set(contents[0]) == {"PKU_Skeleton.7z", "Label_PKU.7z", "cross_subject_v2.txt", "cross_view_v2.txt"}
    assert contents[0] == contents[1]
    assert contents[0]["PKU_Skeleton.7z"] != contents[2]["PKU_Skeleton.7z"]


def test_a_file_in_the_way_and_an_action_without_class_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="a file has that name; give the path of a folder"):
        synthesize("pkummd1", tmp_path / "file", subjects=1, cameras=1)
    with pytest.raises(DataError, match="format pkummd1 has no class for 'squat'"):
        synthesize("pkummd1", tmp_path / "out", actions=["squat"])
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
