"""Numbers without objects: what simdjson reads is what the decoders of small requests read, or it is left to them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage_runtime.codecs import numbers

TYPES = ["FP16", "FP32", "FP64", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"]
DTYPES: dict[str, np.dtype[Any]] = {name: np.dtype(name.lower().replace("fp", "float")) for name in TYPES}
EDGES: list[float] = [
    0,
    1,
    -1,
    127,
    128,
    -128,
    -129,
    255,
    256,
    65504,
    65520,
    2**24 + 1,
    2**31,
    2**53 + 1,
    2**63 - 1,
    2**63,
]
EDGES += [-(2**63), 2**64 - 1, 2**64, -(2**63) - 1, 10**30, 1.5, -0.0, 5e-324, 1e-400, 3.4028235e38, 3.4028236e38]
EDGES += [1e39, -1e39, 1.7976931348623157e308, 0.1, 1e5, 123456789.123456789]


def by_objects(text: bytes, name: str) -> list[Any] | None:
    """As the decoders of small requests have it; None for what they refuse."""
    kind = list[float] if name.startswith("FP") else list[int]
    try:
        with np.errstate(over="raise"):
            return np.array(msgspec.json.decode(text, type=kind), DTYPES[name]).tolist()  # type: ignore[no-any-return]
    except (msgspec.DecodeError, OverflowError, FloatingPointError):
        return None


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("value", EDGES)
def test_a_number_at_an_edge_is_the_same_or_left_to_others(name: str, value: float) -> None:
    text = json.dumps([1, value]).encode()
    found = numbers.read(text, DTYPES[name])
    assert found is None or found.tolist() == by_objects(text, name)
    if found is None and by_objects(text, name) is not None:
        # Integers beyond 64 bits, and floats that are whole.
        assert abs(value) >= 2**63 or isinstance(value, float)


@pytest.mark.parametrize("text", ["1,2.5", "1e5,-2", "-0.0", " 1 ,\n2\t", "4.9e-324", "1" * 18])
def test_floats_to_the_bit(text: str) -> None:
    found = numbers.read(f"[{text}]".encode(), DTYPES["FP64"])
    assert found is not None
    assert found.tobytes() == np.array(json.loads(f"[{text}]"), np.float64).tobytes()


@pytest.mark.parametrize(
    "text",
    ["", "true", "null", '"1"', "{}", "[1]", "1,[2]", "NaN", "Infinity", "01", "1.", ".5", "+1", "1,", "1 2", "1],[2"],
)
@pytest.mark.parametrize("name", ["FP32", "INT64", "UINT64"])
def test_what_is_no_flat_list_of_numbers_is_left_to_others(text: str, name: str) -> None:
    assert numbers.read(f"[{text}]".encode(), DTYPES[name]) is None


@pytest.mark.parametrize(
    "text", ["[1,2],[3]", "[1],[2,3]", "[1,2],3", "1,[2,3]", "[[1],[2]]", "[],[]", "[1],[]", "1,2"]
)
def test_rows_of_different_lengths_are_left_to_others(text: str) -> None:
    assert numbers.read(f"[{text}]".encode(), DTYPES["FP32"], 2) is None


@given(st.integers(1, 5), st.integers(1, 5), st.sampled_from([",", " ,\n", ", "]), st.data())
def test_rows_are_rows(rows: int, width: int, separator: str, data: st.DataObject) -> None:
    row = st.lists(st.floats(-1e30, 1e30) | st.integers(-(2**60), 2**60), min_size=width, max_size=width)
    sent = data.draw(st.lists(row, min_size=rows, max_size=rows))
    found = numbers.read(json.dumps(sent, separators=(separator, ":")).encode(), DTYPES["FP64"], 2)
    assert found is not None
    assert found.tolist() == np.array(sent, np.float64).tolist()


@given(st.recursive(st.integers(-3, 3) | st.floats(-2, 2), lambda inner: st.lists(inner, max_size=3), max_leaves=8))
def test_any_nesting_is_read_as_numpy_reads_it_or_not_at_all(sent: Any) -> None:
    text = json.dumps([sent]).encode()
    for depth in (1, 2):
        found = numbers.read(text, DTYPES["FP64"], depth)
        if found is not None:
            assert found.ndim == depth
            assert found.tolist() == np.array(json.loads(text), np.float64).tolist()
