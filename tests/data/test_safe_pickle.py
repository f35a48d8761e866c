# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import collections
import os
import pickle
import pickletools
import subprocess
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonefide.data.safe_pickle import load_pickle
from bonefide.errors import BonefideError, DataError

PLAIN = {
    "split": {"xsub_train": ["a", "b"], "xsub_val": ("c",)},
    "numbers": [1, 2.5, -(10**30), True, None, 1 + 2j],
    "texts": ["ü", b"bytes", bytearray(b"array")],
    "sets": [{1, 2}, frozenset({3})],
    "ordered": collections.OrderedDict(a=1),
    "array": np.arange(12, dtype=np.float16).reshape(1, 3, 2, 2),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "text array": np.array(["a", "bc"]),
    "record": np.array([(1, 2.0)], dtype=[("x", "i4"), ("y", "f8")]),
    "empty": np.zeros((0, 3)),
    "scalar": np.float32(1.5),
    "integer": np.int64(7),
    "objects": np.array([{"label": 1}, [2]], dtype=object),
}


class _Attack:
    def __init__(self, function: object, *arguments: object) -> None:
        self.how = (function, arguments)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.how  # type: ignore[return-value]


def _equal(ours: object, theirs: object) -> bool:
    if isinstance(theirs, np.ndarray):
        np.testing.assert_array_equal(ours, theirs)
        return ours.dtype == theirs.dtype
    if isinstance(theirs, dict):
        return type(ours) is type(theirs) and all(_equal(ours[key], theirs[key]) for key in theirs)
    return type(ours) is type(theirs) and ours == theirs


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_data_of_every_protocol_load(protocol: int) -> None:
    assert _equal(load_pickle(pickle.dumps(PLAIN, protocol)), PLAIN)


@pytest.mark.parametrize("core", [b"numpy.core.multiarray", b"numpy._core.multiarray"])
def test_both_names_of_the_core_of_numpy_load(core: bytes) -> None:
    content = pickle.dumps(np.arange(5), 2).replace(b"numpy._core.multiarray", core)
    assert core in content
    assert load_pickle(content).tolist() == [0, 1, 2, 3, 4]


def test_python_2_pickles_load() -> None:
    content = b"(lp0\nS'S001'\np1\naL5L\na(dp2\nS'label'\nI3\nsa."
    assert load_pickle(content) == ["S001", 5, {"label": 3}]


@pytest.mark.parametrize(
    ("attack", "named"),
    [
        (_Attack(os.system, "touch {}"), "system"),
        (_Attack(eval, "open('{}', 'w')"), "eval"),
        (_Attack(exec, "open('{}', 'w')"), "exec"),
        (_Attack(open, "{}", "w"), "open"),
        (_Attack(subprocess.Popen, ["touch", "{}"]), "Popen"),
        (_Attack(getattr, [], "append"), "getattr"),
        (_Attack(np.save, "{}", [1]), "save"),
        (_Attack(np.fromfile, "/etc/passwd"), "fromfile"),
        (Path("/etc"), "Path"),
        (np.random.default_rng(0), "numpy.random"),
        (np.array([_Attack(os.getcwd)], dtype=object), "getcwd"),
    ],
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_anything_else_is_refused_and_named(attack: object, named: str, protocol: int, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    if isinstance(attack, _Attack):
        function, arguments = attack.how
        attack = _Attack(function, *(each.format(victim) if isinstance(each, str) else each for each in arguments))
    with pytest.raises(DataError, match=named):
        load_pickle(pickle.dumps({"annotations": attack}, protocol), path="set.pkl")
    assert not victim.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"cbuiltins\nfloat.fromhex\n(S'0x1'\ntR.",
        b"\x80\x04\x8c\x08builtins\x8c\x0dfloat.fromhex\x93\x8c\x030x1\x85R.",
        b"cnumpy\nndarray.tofile\n.",
        b"cos\nsystem\n.",
        b"cbuiltins\n__import__\n(S'os'\ntR.",
        b"ccollections\nsys\n.",
        b"Poutside\n.",
        b"\x82\x01.",
    ],
)
def test_crafted_pickles_are_refused(content: bytes) -> None:
    with pytest.raises(DataError):
        load_pickle(content)


@pytest.mark.parametrize(
    "attack",
    [
        _Attack(bytearray, 10**13),
        _Attack(np.ndarray, (10**13,), "O"),
        _Attack(
            np._core.multiarray._reconstruct,
            np.ndarray,
            (10**13,),
            b"b",
        ),
    ],
)
def test_sizes_that_are_only_declared_reserve_nothing(attack: _Attack) -> None:
    try:
        loaded = load_pickle(pickle.dumps(attack))
    except DataError:
        return
    assert loaded.size == 0


@pytest.mark.parametrize(
    "content",
    [
        b"]r\x00\x00\x00\x7f.",
        b"]p9000000000\n.",
        b"\x80\x05\x96\x00\x00\x00\x00\x0f\x00\x00\x00ab.",
        b"\x80\x04\x8e\x00\x00\x00\x00\x0f\x00\x00\x00ab.",
        b"X\x00\x00\x00\x7fab.",
        b"\x8b\xff\xff\xff\xffab.",
        b"cbuiltins\n",
        b"\xff.",
    ],
)
@pytest.mark.parametrize("on_disk", [False, True])
def test_lengths_and_places_beyond_the_file_reserve_nothing(content: bytes, on_disk: bool, tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(content)
    tracemalloc.start()
    with (tmp_path / "a.pkl").open("rb") as file, pytest.raises(DataError, match="damaged or no pickle"):
        load_pickle(file if on_disk else content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2e6


def _global(name: str) -> bytes:
    return pickle.GLOBAL + name.replace(" ", "\n").encode() + b"\n"


def _value(value: object) -> bytes:
    return pickle.dumps(value, 2)[2:-1]


def _crafted_type(code: str, flags: int) -> bytes:
    """A type that says other things of itself than its code."""
    state = _value((3, "|", None, None, None, -1, -1, flags))
    return _global("numpy dtype") + _value((code, False, True)) + pickle.REDUCE + state + pickle.BUILD


def _crafted_array(pickled_type: bytes, shape: tuple[int, ...], content: object) -> bytes:
    empty = _global("numpy.core.multiarray _reconstruct") + _global("numpy ndarray") + _value((0,)) + _value("b")
    state = _value(1) + _value(shape) + pickled_type + _value(False) + _value(content)
    return empty + pickle.TUPLE3 + pickle.REDUCE + pickle.MARK + state + pickle.TUPLE + pickle.BUILD


@pytest.mark.parametrize(
    "content",
    [
        _crafted_array(_crafted_type("O8", 0), (1,), "A" * 8),
        _global("builtins list") + _crafted_array(_crafted_type("O8", 0), (1,), "A" * 8) + b"\x85R",
        _crafted_array(_crafted_type("O8", 63), (10**12,), [1]),
        _crafted_array(_crafted_type("f8", 63), (1,), [1.5]),
        _crafted_array(_crafted_type("f8", 0), (2,), "A" * 8),
        _crafted_array(_crafted_type("f8", 0), (-1,), "A" * 8),
        _crafted_array(_crafted_type("f8,(9,)O8", 0), (1,), "A" * 80),
        _crafted_array(_value("f8"), (1,), "A" * 8),
        _global("numpy.core.multiarray scalar") + _crafted_type("O8", 0) + _value("A" * 8) + b"\x86R",
        _global("numpy.core.numeric _frombuffer")
        + b"(C\x08AAAAAAAA"
        + _crafted_type("O8", 0)
        + b"K\x01\x85X\x01\x00\x00\x00CtR",
    ],
)
def test_bytes_never_become_pointers(content: bytes) -> None:
    with pytest.raises(DataError, match="damaged"):
        load_pickle(b"\x80\x03" + content + b".")


def test_flags_that_lie_are_not_believed() -> None:
    loaded = load_pickle(b"\x80\x03" + _crafted_array(_crafted_type("f8", 63), (1,), "\0" * 8) + b".")
    assert loaded.tolist() == [0.0]
    assert loaded.dtype.flags == np.dtype("f8").flags
    assert not loaded.dtype.hasobject


@pytest.mark.parametrize(
    "array",
    [
        np.arange(3, dtype=">i4"),
        np.array(["ü", "ab"], dtype=">U2"),
        np.array([(1, [2.0, 3.0])], dtype=[("x", ">i2"), ("y", "f4", (2,))]),
        np.array([((1, 2), b"ab")], dtype=np.dtype([("in", [("a", "i1"), ("b", "i8")]), ("s", "S2")], align=True)),
        np.array([[None, [1, (2,)]]], dtype=object),
        np.array(True),
        np.zeros((0, 2), dtype=np.complex64),
    ],
)
@pytest.mark.parametrize("protocol", [0, 2, 3, 5])
def test_arrays_of_every_type_load(array: np.ndarray, protocol: int) -> None:
    content = pickle.dumps(array, protocol)
    loaded = load_pickle(content)
    assert loaded.dtype == pickle.loads(content).dtype
    assert repr(loaded.tolist()) == repr(array.tolist())


def test_a_file_is_read_from_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(b"header" + pickle.dumps(PLAIN))
    with (tmp_path / "a.pkl").open("rb") as file:
        file.seek(6)
        assert _equal(load_pickle(file), PLAIN)


def test_an_array_whose_shape_lies_is_refused() -> None:
    content = pickle.dumps(np.arange(4, dtype=np.int32), 2)
    assert b"K\x04\x85" in content
    with pytest.raises(DataError, match="damaged"):
        load_pickle(content.replace(b"K\x04\x85", b"J\xff\xff\xff\x0f\x85"))


@pytest.mark.parametrize("content", [b"", b"no pickle", pickle.dumps(PLAIN)[:-20], b"\x80\x63."])
def test_damaged_pickles_are_refused(content: bytes) -> None:
    with pytest.raises(DataError, match="damaged or no pickle"):
        load_pickle(content)


@settings(max_examples=200, deadline=None)
@given(place=st.floats(0, 0.999), put=st.binary(max_size=8))
def test_corruption_never_crashes(place: float, put: bytes) -> None:
    sound = pickle.dumps({"label": [1, 2], "names": ("a", "b"), "split": {"x": [1.5]}}, 2)
    at = int(place * len(sound))
    content = sound[:at] + put + sound[at + len(put) :]
    try:
        loaded = load_pickle(content)
    except BonefideError:
        return
    assert not callable(loaded)
    pickletools.optimize(content)


@settings(max_examples=300, deadline=2000)
@given(protocol=st.sampled_from([2, 3, 5]), place=st.floats(0, 0.999), put=st.binary(min_size=1, max_size=8))
def test_corrupted_arrays_can_be_looked_at(protocol: int, place: float, put: bytes) -> None:
    """Whatever loads is an array like any other: its items are there, and its type says what they are."""
    arrays = [PLAIN[name] for name in ("array", "fortran", "text array", "record", "scalar", "objects", "empty")]
    sound = pickle.dumps(arrays, protocol)
    at = int(place * len(sound))
    try:
        loaded = load_pickle(sound[:at] + put + sound[at + len(put) :])
    except BonefideError:
        return
    for each in loaded if isinstance(loaded, list) else []:
        if isinstance(each, np.ndarray):
            assert repr(each.tolist())
