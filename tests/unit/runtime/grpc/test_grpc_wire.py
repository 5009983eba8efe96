"""Protocol Buffers by hand, judged by google.protobuf."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from google.protobuf.internal.encoder import _VarintEncoder
from hypothesis import given
from hypothesis import strategies as st

from moorage_runtime.codecs import grpc_wire as wire
from moorage_runtime.errors import RequestFault

UNSIGNED = st.one_of(
    st.integers(0, 2**64 - 1),
    st.integers(0, 300),
    st.sampled_from([2 ** (7 * k) + d for k in range(10) for d in (-1, 0)]),
)


def encoded(number: int) -> bytes:
    out: list[bytes] = []
    _VarintEncoder()(out.append, number)
    return b"".join(out)


@given(UNSIGNED)
def test_one_number_is_written_and_read_as_theirs(number: int) -> None:
    assert wire.varint(number) == encoded(number)
    assert wire.read_varint(encoded(number) + b"x", 0, 11) == (number, len(encoded(number)))


@given(st.lists(UNSIGNED, max_size=50))
def test_many_numbers_are_written_and_read_as_theirs(numbers: list[int]) -> None:
    packed = b"".join(map(encoded, numbers))
    assert wire.varints(np.array(numbers, np.uint64)) == packed
    read = wire.read_varints(packed, len(numbers))
    assert read is not None
    assert read.tolist() == numbers


def test_numbers_may_lie_across_blocks() -> None:
    numbers = np.arange(40_000, dtype=np.uint64) * np.uint64(2**40)
    read = wire.read_varints(wire.varints(numbers), numbers.size)
    np.testing.assert_array_equal(np.asarray(read), numbers)


@given(st.lists(UNSIGNED, min_size=1, max_size=20), st.integers(-2, 2).filter(bool))
def test_more_or_fewer_numbers_than_wanted_are_told(numbers: list[int], more: int) -> None:
    assert wire.read_varints(b"".join(map(encoded, numbers)), max(0, len(numbers) + more)) is None


@pytest.mark.parametrize(
    ("data", "count"), [(b"\x80", 1), (b"\x01\x80", 2), (b"\xff" * 11 + b"\x01", 2), (b"\x80" * 70_000, 10_000)]
)
def test_numbers_that_do_not_end_are_refused(data: bytes, count: int) -> None:
    with pytest.raises(RequestFault, match="a number is"):
        wire.read_varints(data, count)


@pytest.mark.parametrize(
    "data",
    [
        b"\x0a",
        b"\x0a\x05abc",
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\x08\x80",
        b"\x0d\x00\x00",
        b"\x09\x00",
        b"\x0b",
        b"\x0c",
        b"\x0f",
        b"\x02\x00",
        b"\x80" * 12,
    ],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(RequestFault) as refused:
        list(wire.fields(data, 0, len(data)))
    assert refused.value.status == 400


@given(st.binary(max_size=60))
def test_any_bytes_are_fields_or_refused(data: bytes) -> None:
    at = 0
    try:
        for _, _, start, stop in wire.fields(data, 0, len(data)):
            assert at < start <= stop <= len(data) or at < stop == start
            at = stop
    except RequestFault:
        return
    assert at == len(data)


@given(st.integers(-(2**63), 2**63 - 1))
def test_negative_numbers(number: int) -> None:
    assert wire.signed(number & 0xFFFFFFFFFFFFFFFF) == number


def test_empty_fields_are_left_out() -> None:
    nothing: Any = (wire.field(1, ""), wire.field(1, b""), wire.flag(1, False), wire.shape(3, ()))
    assert nothing == (b"", b"", b"", b"")
