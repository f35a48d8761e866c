# SPDX-License-Identifier: Apache-2.0
"""Tables of labels: what they may say, what is made of it, and every fault by its line."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from bonefide.data.label_table import LabelEntry, LabelTable, find_table, folder_table, read_label_table
from bonefide.data.raw._recording import RawRecording
from bonefide.data.raw._source import RawSource
from bonefide.errors import DataError, RawFileError

TEXT = """name,label,subject,camera,split,split_views,notes
a.npy,wave,anna,1,train,test,
b.npy,clap,ben,2,test,train,windy
sub/c,wave,,1,Training,testing,
"""


def table(folder: Path, text: str | bytes, name: str = "table.csv") -> LabelTable:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_label_table(path)


def recording(name: str, **facts: int) -> RawRecording:
    return RawRecording(name, -1, 1, None, (), **facts)  # type: ignore[arg-type]


def test_a_table_says_all_there_is(tmp_path: Path) -> None:
    read = table(tmp_path, TEXT)
    assert read.classes == ("clap", "wave")
    assert read.listed == ("split", "views")
    assert read.entries == {
        "a.npy": LabelEntry(1, subject=1, camera=1, trains=frozenset({"split"})),
        "b.npy": LabelEntry(0, subject=2, camera=2, trains=frozenset({"views"})),
        "sub/c": LabelEntry(1, subject=-1, camera=1, trains=frozenset({"split"})),
    }
    info = read.info()
    assert (info.name, info.classes, list(info.protocols)) == ("custom", ("clap", "wave"), ["split", "views"])
    assert {rule.by for rule in info.protocols.values()} == {"lists"}


@pytest.mark.parametrize("delimiter", [";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_delimiters_and_marks_do_not_matter(tmp_path: Path, delimiter: str, mark: str) -> None:
    other = mark + TEXT.replace(",", delimiter).replace("\n", "\r\n") + "\r\n"
    assert table(tmp_path, other).entries == table(tmp_path, TEXT).entries


def test_cells_may_be_quoted(tmp_path: Path) -> None:
    assert table(tmp_path, 'file, label\n"a", "walk, then run"\n"b", "stand"\n').classes == ("stand", "walk, then run")


def test_a_recording_gets_what_the_table_knows(tmp_path: Path) -> None:
    read = table(tmp_path, TEXT)
    given = read.apply(recording("a", subject=9, repeat=4))
    assert (given.label, given.subject, given.camera, given.setup, given.repeat) == (1, 1, 1, -1, 4)
    assert given.trains == {"split"}
    assert read.apply(recording("c", subject=9)).subject == 9
    assert pickle.loads(pickle.dumps(read)) == read


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ("a", "a"),
        ("a.npy", "a"),
        ("a.skeleton", "a"),
        ("take1.5", "take1.5"),
        ("take1.5.npy", "take1.5"),
        ("./x/a.npy", "x/a"),
        ("x\\\\a.npy", "x/a"),
        ("x/a.npy", "a"),
        ("x/a", "data/x/a"),
        ("data/x/a", "x/a"),
    ],
)
def test_names_mean_files(tmp_path: Path, row: str, name: str) -> None:
    read = table(tmp_path, f"name,label\n{row},wave\nother,clap\n")
    assert read.apply(recording(name)).label == 1
    assert read.unmet([name]) == ("other",)


@pytest.mark.parametrize(
    ("rows", "name"),
    [(("take1.5",), "take1"), (("b/a",), "c/a"), (("a",), "x/a"), (("a",), "b"), (("x/a", "y/a"), "a")],
)
def test_other_names_do_not(tmp_path: Path, rows: tuple[str, ...], name: str) -> None:
    read = table(tmp_path, "name,label\n" + "".join(f"{row},wave\n" for row in rows))
    with pytest.raises(RawFileError) as caught:
        read.apply(recording(name))
    assert caught.value.code == "unlabelled"
    assert read.unmet([name]) == rows


def test_its_digest_is_what_it_says(tmp_path: Path) -> None:
    first = table(tmp_path, TEXT)
    header, *rows = TEXT.splitlines()
    assert table(tmp_path, "\n".join([header, *reversed(rows)]), "other.csv").digest() == first.digest()
    for old, new in (("anna", "zoe"), ("a.npy,wave", "a.npy,clap"), ("sub/c", "c"), ("Training", "test")):
        assert table(tmp_path, TEXT.replace(old, new)).digest() != first.digest(), old


def test_more_folders_say_more(tmp_path: Path) -> None:
    read = table(tmp_path, "name,label\na/x/1,one\nb/x/1,two\n")
    assert [read.classes[read.apply(recording(name)).label] for name in ("a/x/1", "top/b/x/1")] == ["one", "two"]


def test_numbers_keep_their_order(tmp_path: Path) -> None:
    read = table(tmp_path, "name,label\na,10\nb,9\nc,2\n")
    assert read.classes == ("class 2", "class 9", "class 10")
    assert [read.entries[name].label for name in "abc"] == [2, 1, 0]
    named = table(tmp_path, "name,label,class_name\na,1,wave\nb,0,zoom\nc,1,wave\n")
    assert named.classes == ("zoom", "wave")


def test_groups_are_numbered_only_if_they_are_no_numbers(tmp_path: Path) -> None:
    read = table(tmp_path, "name,label,subject,repeat\na,x,7,second\nb,x,3,first\nc,x,,second\n")
    assert [read.entries[name].subject for name in "abc"] == [7, 3, -1]
    assert [read.entries[name].repeat for name in "abc"] == [2, 1, 2]


def test_every_other_subject_trains_if_nothing_else_is_said(tmp_path: Path) -> None:
    rows = [f"{subject}-{n},{'ab'[n % 2]},{subject}" for subject in (4, 8, 11) for n in range(4)]
    read = table(tmp_path, "\n".join(["name,label,subject", *rows]))
    assert read.listed == ("xsub", "random")
    assert {entry.subject for entry in read.entries.values() if "xsub" in entry.trains} == {4, 11}
    assert table(tmp_path, "name,label,subject\na,x,1\nb,x,\nc,x,2").listed == ("random",)
    assert table(tmp_path, "name,label,subject\na,x,1\nb,x,1").listed == ("random",)


def test_every_fifth_of_a_class_tests_if_nothing_else_is_said(tmp_path: Path) -> None:
    rows = [f"a{n},a" for n in range(11)] + [f"b{n},b" for n in range(2)] + ["c0,c"]
    read = table(tmp_path, "\n".join(["name,label", *rows]))
    tests = [name for name, entry in read.entries.items() if "random" not in entry.trains]
    assert sorted(name[0] for name in tests) == ["a", "a", "a", "b"]
    assert table(tmp_path, "\n".join(["name,label", *reversed(rows)])).entries == read.entries
    assert {f"a{n}" for n in (0, 5, 10)} != set(tests) - {"b0", "b1"}
    assert table(tmp_path, "name,label\na,x\nb,y\n").listed == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"\xff\xfe", "no UTF-8 text; save the table as CSV"),
        ("", "holds no labels"),
        ("name,label\n", "holds no labels"),
        ("nme,label\na,x\n", ":1: unknown column 'nme'; did you mean 'name'"),
        ("who,label\na,x\n", ":1: no column 'name', 'file' or 'filename'; there are who, label"),
        ("name,class\na,x\n", ":1: no column 'label'; there are name, class"),
        ("name,label,subjct\na,x,1\n", ":1: unknown column 'subjct'; did you mean 'subject'"),
        ("name,label,label\na,x,1\n", ":1: two columns give the label"),
        ("name,file,label\na,x,1\n", ":1: two columns give the name"),
        ("name,label\na\n", ":2: 1 columns, the header has more"),
        ("name,label\na,xb,y\n", ":2: 3 columns, the header has 2"),
        ("name,label\n,x\n", ":2: the name is missing"),
        ("name,label\na,x\n\nb,x\na,y\n", ":5: 'a' stands in line 2 already"),
        ("name,label\na,x\n./a,y\n", ":3: 'a' stands in line 2 already"),
        ("name,label\na,\n", ":2: 'a' has no label"),
        ("name,label\na,1\nb,x\n", ":3: 'x' is no number, the labels before it are numbers"),
        ("name,label\na,x\nb,1\n", ":3: '1' is a number, the labels before it are names"),
        ("name,label,class_name\na,x,wave\n", "these are names already"),
        ("name,label,class_name\na,1,wave\nb,1,clap\n", ":3: label 1 is called 'wave' above"),
        ("name,label,class_name\na,1,\n", ":2: label 1 needs a class_name"),
        ("name,label,class_name\na,1,wave\nb,2,wave\n", "two labels have the same class_name"),
        ("name,label,split\na,x,train\nb,x,tset\n", ":3: split is 'tset', expected train or test; did you mean 'test'"),
        ("name,label,split_xsub\na,x,val\n", r":2: 'val' is no part of a protocol; .*data\.validation"),
        ("name,label,split\na,x,train\nb,x,train\n", "by column 'split' nobody tests"),
        ("name,label,split_a\na,x,test\nb,x,test\n", "by column 'split_a' nobody trains"),
        ('name,label\n"a,x\n', "no table of labels"),
    ],
)
def test_faults_are_told_with_their_line(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        table(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path / "table.csv"))


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the labels .* cannot be read: No such file"):
        read_label_table(tmp_path / "absent.csv")


def test_folders_are_classes() -> None:
    members = ["set/wave/1.npy", "set/wave/2.npy", "set/clap/1.npy", "set/clap/more/9.npy", "set/jump/take1.5"]
    found = folder_table(members)
    assert found is not None
    assert (found.classes, found.listed) == (("clap", "jump", "wave"), ("random",))
    assert [found.apply(recording(name)).label for name in ("set/wave/1", "2", "set/clap/1", "9", "take1.5")] == [
        2, 2, 0, 0, 1,
    ]  # fmt: skip


def test_folders_may_tell_who_trains() -> None:
    found = folder_table(["Train/wave/1.npy", "Train/clap/2.npy", "test/wave/3.npy"])
    assert found is not None
    assert (found.classes, found.listed) == (("clap", "wave"), ("split",))
    assert [found.apply(recording(name)).trains for name in "123"] == [{"split"}, {"split"}, frozenset()]


@pytest.mark.parametrize(
    "members",
    [
        [],
        ["1.npy", "2.npy"],
        ["set/1.npy", "set/2.npy"],
        ["wave/1.npy", "clap/2.npy", "3.npy"],
        ["train/1.npy", "test/2.npy"],
        ["train/wave/1.npy", "test/wave/2.npy"],
    ],
)
def test_other_folders_are_not(members: list[str]) -> None:
    assert folder_table(members) is None


def test_a_folder_for_validation_is_refused() -> None:
    with pytest.raises(DataError, match=r"folder for validation .*data\.validation"):
        folder_table(["train/wave/1.npy", "train/clap/1.npy", "val/wave/2.npy"])


def source(folder: Path, *names: str) -> RawSource:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"name,label\na,{name}\nb,other\n")
    return RawSource(folder)


def test_a_table_among_the_files_counts_before_their_folders(tmp_path: Path) -> None:
    raw = source(tmp_path, "set/Labels.csv", "set/wave/1.npy", "set/clap/labels.tsv")
    found = find_table(raw)
    assert found is not None
    assert found.classes == ("other", "set/Labels.csv")
    assert found.place == "set/Labels.csv"


def test_folders_count_where_there_is_no_table(tmp_path: Path) -> None:
    raw = source(tmp_path, "wave/1.npy", "clap/1.npy", "README.txt")
    assert find_table(raw) is None
    found = find_table(raw, ["wave/1.npy", "clap/1.npy"])
    assert found is not None
    assert found.classes == ("clap", "wave")


def test_two_tables_are_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"both a/labels\.csv and b/labels\.tsv tell labels"):
        find_table(source(tmp_path, "a/labels.csv", "b/labels.tsv"))


def test_a_large_table_is_read_quickly(tmp_path: Path) -> None:
    rows = "".join(f"set/{n:06}.npy,{n % 7}\n" for n in range(20_000))
    read = table(tmp_path, f"name,label\n{rows}")
    names = [f"{n:06}" for n in range(20_000)]
    assert read.unmet(names) == ()
    assert read.apply(recording("000012")).label == 5
