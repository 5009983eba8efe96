"""Answers as bytes: exactly what went in comes out, and whatever else lies in a store is no answer."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from moorage_runtime.caching import wire
from moorage_runtime.tensors import Array, dtype_of

DATATYPES = ("BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64")
SHAPES = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
NUMBERS = st.sampled_from(DATATYPES).flatmap(lambda name: arrays.arrays(dtype_of(name), SHAPES))
ELEMENTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=3) | st.binary(max_size=3)
TEXTS = st.lists(ELEMENTS, max_size=4).map(lambda texts: np.array([*texts, None], object)[:-1])


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), NUMBERS | TEXTS, min_size=1, max_size=3))
def test_what_goes_in_comes_out(outputs: dict[str, Array]) -> None:
    found = wire.parse(wire.dump(outputs))
    assert found is not None
    assert list(found) == list(outputs)
    for name, array in outputs.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert array.dtype == object or found[name].tobytes() == array.tobytes()
        assert array.dtype != object or found[name].tolist() == array.tolist()
        assert not found[name].flags.writeable


def test_numbers_that_json_has_not_are_kept_to_the_bit() -> None:
    odd = np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324])
    odd[0:1].view(np.uint64)[0] |= 0xBEEF
    half = np.array([1.5, float("nan")], dtype_of("BF16"))
    found = wire.parse(wire.dump({"y": odd, "z": half}))
    assert found is not None
    assert found["y"].tobytes() == odd.tobytes()
    assert (found["z"].dtype, found["z"].tobytes()) == (half.dtype, half.tobytes())


@pytest.mark.parametrize("outputs", [{"y": np.array([1, None], object)}, {"y": np.array([1j])}])
def test_what_cannot_be_told_exactly_is_not_told(outputs: dict[str, Array]) -> None:
    with pytest.raises((TypeError, KeyError)):
        wire.dump(outputs)


def told(*tensors: Any) -> bytes:
    return b"\x01" + msgspec.msgpack.encode(tensors)


GOOD = ("y", "FP32", (2,), b"\x00" * 8)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x01",
        b"\x02" + told(GOOD)[1:],
        told(GOOD) + b"\x00",
        told(GOOD)[:-1],
        told(),
        told(GOOD, GOOD),
        told(("y", "FP32", (3,), b"\x00" * 8)),
        told(("y", "FP32", (-1,), b"\x00" * 8)),
        told(("y", "FP32", (2,), b"\x00" * 7)),
        told(("y", "FP32", (2**62, 2**62), b"\x00" * 8)),
        told(("y", "FP128", (2,), b"\x00" * 8)),
        told(("y", "FP32", (2,), "text")),
        told(("y", "BYTES", (2,), ["a"])),
        told(("y", "BYTES", (2,), ["a", 1])),
        told(("y", "BYTES", (2,), b"ab")),
        told(("y", "BYTES", (-1, -2), ["a", "b"])),
        told(("y", "FP32")),
        b'[{"name": "y"}]',
    ],
)
def test_anything_else_is_no_answer(raw: bytes) -> None:
    assert wire.parse(told(GOOD)) is not None
    assert wire.parse(raw) is None


@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda rest: told(GOOD)[:20] + rest))
def test_no_bytes_make_it_fail(raw: bytes) -> None:
    found = wire.parse(raw)
    assert found is None or wire.parse(wire.dump(found)) is not None
