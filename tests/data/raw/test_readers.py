# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from bonefide.data import datasets, preparation, raw
from bonefide.data.raw._recording import Informed
from bonefide.errors import UnknownNameError
from bonefide.layouts import layout


@pytest.mark.parametrize("name", raw.names())
def test_every_reader_is_found_by_the_name_of_its_file(name: str) -> None:
    reader = raw.reader(name)
    # Some learn the layout from the first recordings.
    if isinstance(reader.layout, str) and reader.layout:
        assert layout(reader.layout).name == reader.layout
    else:
        assert isinstance(reader, Informed)
    assert not reader.matches("readme.txt")


def test_unknown_readers_are_refused_with_a_guess() -> None:
    with pytest.raises(UnknownNameError, match="raw formats: no 'nwulca'; did you mean 'nwucla'"):
        raw.reader("nwulca")
    with pytest.raises(UnknownNameError):
        raw.reader("_recording")


@pytest.mark.parametrize("name", datasets.names())
def test_every_data_set_names_readers_and_preparations_that_are_there(name: str) -> None:
    info = datasets.info(name)
    for raw_format, prepared_by in info.preparations.items():
        assert raw_format in raw.names()
        assert prepared_by in preparation.names()
        preparation.preparation(prepared_by, info.options.get(prepared_by))
