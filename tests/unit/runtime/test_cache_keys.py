"""When two requests are the same: exactly when the model sees the same, whichever door they came through."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from moorage_runtime.caching.keys import key
from moorage_runtime.tensors import Array, dtype_of

DIGEST = "sha256:" + "ab" * 32
ROW = np.array([[1.0, 2.0]], np.float32)

DTYPES = st.sampled_from([np.float32, np.float64, np.int64, np.int8, np.bool_, np.float16, np.uint16])
NUMBERS = DTYPES.flatmap(
    lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
)
TEXTS = st.lists(st.text(max_size=3), max_size=4).map(lambda texts: np.array(texts, object))
INPUTS = st.dictionaries(st.text(max_size=3), NUMBERS | TEXTS, min_size=1, max_size=3)
WANTED = st.none() | st.lists(st.text(max_size=3), max_size=3).map(tuple)
REQUESTS = st.tuples(st.sampled_from(["sha256:aa", "sha256:ab", ""]), INPUTS, WANTED)


def plain(request: tuple[str, Mapping[str, Array], Any]) -> Any:
    """The request as values that compare as the model would see them."""
    digest, inputs, wanted = request
    seen = {
        name: (str(array.dtype), array.shape, array.tolist() if array.dtype == object else array.tobytes())
        for name, array in inputs.items()
    }
    return digest, seen, wanted


@given(REQUESTS, REQUESTS)
def test_keys_are_equal_exactly_for_equal_requests(left: Any, right: Any) -> None:
    assert (key(*left) == key(*right)) == (plain(left) == plain(right))


@given(REQUESTS)
def test_a_copy_has_the_same_key(request: Any) -> None:
    digest, inputs, wanted = request
    turned = dict(reversed([(name, np.array(array, order="F")) for name, array in inputs.items()]))
    assert key(digest, turned, wanted) == key(digest, inputs, wanted)


def test_all_that_a_model_can_see_counts() -> None:
    requests: list[tuple[str, dict[str, Array], tuple[str, ...] | None]] = [
        (DIGEST, {"x": ROW}, None),
        ("sha256:" + "cd" * 32, {"x": ROW}, None),
        (DIGEST, {"y": ROW}, None),
        (DIGEST, {"x": ROW.reshape(2, 1)}, None),
        (DIGEST, {"x": ROW.view(np.int32)}, None),
        (DIGEST, {"x": ROW.astype(np.float64)}, None),
        (DIGEST, {"x": ROW}, ()),
        (DIGEST, {"x": ROW}, ("a", "b")),
        (DIGEST, {"x": ROW}, ("b", "a")),
        (DIGEST, {"x": ROW}, ("ab",)),
        (DIGEST, {"x": np.array([[0.0]], np.float32)}, None),
        (DIGEST, {"x": np.array([[-0.0]], np.float32)}, None),
        (DIGEST, {"x": np.array([[np.nan]], np.float32)}, None),
        (DIGEST, {"x": np.array(["ab", "c"], object)}, None),
        (DIGEST, {"x": np.array(["a", "bc"], object)}, None),
        (DIGEST, {"x": np.array(["abc"], object)}, None),
        (DIGEST, {"x": np.zeros(2, dtype_of("BF16"))}, None),
        (DIGEST, {"x": np.zeros(2, np.float16)}, None),
    ]
    assert len({key(*request) for request in requests}) == len(requests)


@pytest.mark.parametrize("shape", [(3, 5), (100, 200)])
def test_how_the_tensor_lies_in_memory_does_not_count(shape: tuple[int, int]) -> None:
    rows = np.random.default_rng(0).random(shape, np.float32)
    raw = b"\x00" + rows.tobytes()
    forms = [
        rows,
        np.asfortranarray(rows),
        np.repeat(rows, 2, axis=1)[:, ::2],
        np.frombuffer(rows.tobytes(), np.float32).reshape(shape),
        np.frombuffer(raw, np.float32, offset=1).reshape(shape),
        np.array(rows.tolist(), np.float32),
    ]
    assert len({key(DIGEST, {"x": form}, None) for form in forms}) == 1
    changed = rows.copy()
    changed[-1, -1] += 1
    assert key(DIGEST, {"x": changed}, None) != key(DIGEST, {"x": rows}, None)


def test_text_is_its_utf8_however_it_came() -> None:
    forms = [np.array(["ä", "\x00"], object), np.array(["ä".encode(), b"\x00"], object)]
    assert len({key(DIGEST, {"x": form}, None) for form in forms}) == 1


def test_inputs_may_come_in_any_order() -> None:
    named = {"a": ROW, "b": ROW + 1, "c": ROW + 2}
    orders = [dict(order) for order in itertools.permutations(named.items())]
    assert len({key(DIGEST, order, None) for order in orders}) == 1


def test_a_key_begins_with_the_digest() -> None:
    assert key(DIGEST, {"x": ROW}, None).startswith("abababababababab:")
    assert key(DIGEST, {"x": ROW}, None).isascii()
