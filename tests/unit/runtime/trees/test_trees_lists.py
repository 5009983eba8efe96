"""The long lists of a model file, read as protobuf's own library reads them."""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import AttributeProto, helper

from moorage_runtime.engines.onnx.trees import lists
from moorage_runtime.protobuf import Span

INTEGERS = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=40)
FLOATS = st.lists(st.floats(width=32), max_size=40)
TEXTS = st.lists(st.binary(max_size=127), max_size=20)


@contextmanager
def mapped(raw: bytes) -> Iterator[tuple[mmap.mmap, Span]]:
    """As in a file, with something before and behind it."""
    with tempfile.TemporaryFile() as file:
        file.write(b"before" + raw + b"behind")
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            yield content, (6, 6 + len(raw))


def attribute(kind: int, **values: object) -> bytes:
    return bytes(AttributeProto(name="some list", type=kind, doc_string="words behind", **values).SerializeToString())


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    found = []
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def packed(number: int, inside: bytes) -> bytes:
    return b"\x0a\x01n" + bytes([number << 3 | 2]) + varint(len(inside)) + inside + b"\xa0\x01\x07"


@given(INTEGERS)
def test_whole_numbers(values: list[int]) -> None:
    for raw in (attribute(AttributeProto.INTS, ints=values), packed(8, b"".join(map(varint, values)))):
        with mapped(raw) as (content, span):
            assert lists.integers(content, span).tolist() == values


@given(FLOATS)
def test_numbers(values: list[float]) -> None:
    wanted = np.array(values, np.float32)
    for raw in (attribute(AttributeProto.FLOATS, floats=values), packed(7, wanted.tobytes())):
        with mapped(raw) as (content, span):
            np.testing.assert_array_equal(lists.floats(content, span), wanted)


@given(TEXTS)
def test_texts(values: list[bytes]) -> None:
    with mapped(attribute(AttributeProto.STRINGS, strings=values)) as (content, span):
        assert lists.texts(content, span) == values


@given(st.lists(st.sampled_from((b"LEAF", b"BRANCH_LEQ", b"BRANCH_LT", b"X")), max_size=30))
def test_words(values: list[bytes]) -> None:
    with mapped(attribute(AttributeProto.STRINGS, strings=values)) as (content, span):
        assert lists.words(content, span).tolist() == values


@given(TEXTS)
def test_other_texts_are_refused_as_words_or_read(values: list[bytes]) -> None:
    with mapped(attribute(AttributeProto.STRINGS, strings=values)) as (content, span):
        try:
            found = lists.words(content, span).tolist()
        except ValueError:
            return
        # What ends in zeros, or holds the sign of a beginning, is no word; what was read of the rest is right.
        assert found == [value.rstrip(b"\0") for value in values[: len(found)]]


def test_a_long_text_is_refused() -> None:
    with mapped(attribute(AttributeProto.STRINGS, strings=[b"x" * 128])) as (content, span), pytest.raises(ValueError):
        lists.texts(content, span)


@given(st.binary(max_size=60))
def test_nonsense_is_refused_or_read(raw: bytes) -> None:
    with mapped(raw) as (content, span):
        for read in (lists.integers, lists.floats, lists.texts, lists.words):
            try:
                read(content, span)
            except (ValueError, IndexError):
                continue


@given(INTEGERS)
def test_the_different_ones(values: list[int]) -> None:
    assert lists.distinct(np.array(values, np.int64)).tolist() == sorted(set(values))


def test_other_kinds_are_no_lists() -> None:
    raw = helper.make_attribute("text", "words").SerializeToString()
    with mapped(raw) as (content, span):
        assert (len(lists.integers(content, span)), len(lists.floats(content, span))) == (0, 0)
        assert (lists.texts(content, span), lists.words(content, span).tolist()) == ([], [])
