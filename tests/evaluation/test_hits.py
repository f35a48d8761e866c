# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_runs import made_scores

from bonefide.errors import ScoresError
from bonefide.evaluation.hits import pack_hits, samples_digest, unpack_hits


@given(count=st.integers(1, 40), seed=st.integers(0, 9))
def test_what_is_packed_comes_back_in_the_order_of_names(count: int, seed: int) -> None:
    scores = made_scores(count, seed=seed, strength=0.5)
    order = np.random.default_rng(seed).permutation(count)
    turned = replace(scores, names=scores.names[order], values=scores.values[order], labels=scores.labels[order])
    expected = (scores.predictions == scores.labels)[np.argsort(scores.names)]
    np.testing.assert_array_equal(unpack_hits(pack_hits(scores), count), expected)
    assert pack_hits(turned) == pack_hits(scores)
    assert samples_digest(turned) == samples_digest(scores)


def test_other_samples_have_another_digest() -> None:
    assert samples_digest(made_scores(20)) != samples_digest(made_scores(21))


@pytest.mark.parametrize("packed", ["", "no base64", base64.b64encode(b"no zlib").decode()])
def test_what_is_no_record_is_refused(packed: str) -> None:
    with pytest.raises(ScoresError, match="not a record"):
        unpack_hits(packed, 20)


@pytest.mark.parametrize("count", [8, 17])
def test_records_of_other_sizes_are_refused(count: int) -> None:
    packed = base64.b64encode(zlib.compress(b"\x00\xff")).decode()
    assert unpack_hits(packed, 16).tolist() == [False] * 8 + [True] * 8
    with pytest.raises(ScoresError, match=f"2 bytes is not one of {count} samples"):
        unpack_hits(packed, count)
