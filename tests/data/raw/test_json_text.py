# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import gc
import time

import numpy as np
import pytest

from bonefide.data.raw._json_text import numbers, parse_json, table, uncollected
from bonefide.errors import RawFileError

FAULTS: dict[str, tuple[str, bytes]] = {
    "nothing": ("empty", b""),
    "blanks": ("empty", b" \n\t"),
    "a byte-order mark": ("empty", b"\xef\xbb\xbf"),
    "UTF-16": ("encoding", '{"a": 1}'.encode("utf-16")),
    "gzip": ("encoding", b"\x1f\x8b\x08\x00\xff"),
    "no JSON": ("json", b"x"),
    "data after the end": ("json", b"[1] [2]"),
    "a NUL": ("json", b"[1]\0"),
    "cut in a list": ("truncated", b"[1, 2"),
    "cut in a word": ("truncated", b'["abc'),
    "cut behind a key": ("truncated", b'{"a": '),
    "nested lists": ("depth", b"[" * 200_000),
    "nested objects": ("depth", b'{"a":' * 200_000),
    "NaN": ("nonfinite", b"[NaN]"),
    "-Infinity": ("nonfinite", b"[-Infinity]"),
    "an integer of 5000 digits": ("number", b"[" + b"9" * 5000 + b"]"),
    "a key twice": ("keys", b'[{"a": 1, "a": 2}]'),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_have_codes(fault: str) -> None:
    expected, content = FAULTS[fault]
    with pytest.raises(RawFileError) as caught:
        parse_json(content, "a/b.json")
    assert (caught.value.code, caught.value.path) == (expected, "a/b.json")


def test_faults_name_their_line() -> None:
    with pytest.raises(RawFileError) as caught:
        parse_json(b'{\n"a": 1,\n"b": nonsense}', "b.json")
    assert caught.value.line == 3


def test_sound_files_are_parsed() -> None:
    assert parse_json(b'\xef\xbb\xbf{"a": [1, 2.5]}\r\n', "a.json") == {"a": [1, 2.5]}


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ([1, True], "number"),
        ([None], "number"),
        (["1"], "number"),
        ([[1]], "number"),
        ([{}], "number"),
        ([10**400], "number"),
        ([1e308 * 10], "nonfinite"),
    ],
)
def test_what_is_no_finite_number_is_refused(values: list[object], code: str) -> None:
    with pytest.raises(RawFileError) as caught:
        numbers(values, "a.json")
    assert (caught.value.code, caught.value.path) == (code, "a.json")


def test_rows_are_tables() -> None:
    np.testing.assert_array_equal(table([[1, 2.5], [3, 4]], 2, "a.json", "a row"), [[1, 2.5], [3, 4]])
    assert table([], 2, "a.json", "a row").shape == (0, 2)
    for rows in ([[1, 2], [3]], [[1, 2], 3], [[1, 2], None]):
        with pytest.raises(RawFileError) as caught:
            table(rows, 2, "a.json", "a row")
        assert caught.value.code == "joints"


@pytest.mark.parametrize("collecting", [True, False])
def test_garbage_is_collected_again_whatever_happens(collecting: bool) -> None:
    before = gc.isenabled()
    (gc.enable if collecting else gc.disable)()
    try:
        with uncollected():
            assert not gc.isenabled()
        assert gc.isenabled() == collecting
        with pytest.raises(RawFileError), uncollected():
            parse_json(b"", "a.json")
        assert gc.isenabled() == collecting
    finally:
        (gc.enable if before else gc.disable)()


@pytest.mark.parametrize("content", [b"[" * 5_000_000, b'{"a":' * 1_000_000, b"9" * 5_000_000, b"[1] " * 1_250_000])
def test_hostile_files_are_refused_in_time(content: bytes) -> None:
    start = time.process_time()
    with pytest.raises(RawFileError):
        parse_json(content, "a.json")
    assert time.process_time() - start < 1
