"""Protocol buffers as they lie in a file: a few fields of an ONNX model, walked without reading what is between them.

The library that reads them all is 30 MiB large, and takes a model of gigabytes into memory.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

Span = tuple[int, int]
"""Where a message or a text begins and ends."""


def parts(content: mmap.mmap, start: int, end: int, wanted: int) -> Iterator[Span]:
    """Where the messages or texts with field number `wanted` lie. Raises as `fields` does."""
    for number, kind, value, to in fields(content, start, end):
        if number == wanted and kind == BYTES:
            yield value, to


def numbers(content: mmap.mmap, start: int, end: int, wanted: int) -> Iterator[int]:
    """The whole numbers with field number `wanted`, packed or not. Raises as `fields` does."""
    for number, kind, value, to in fields(content, start, end):
        if number != wanted:
            continue
        if kind == VARINT:
            yield signed(value)
        elif kind == BYTES:
            at = value
            while at < to:
                packed, at = _varint(content, at)
                yield signed(packed)


def text(content: mmap.mmap, start: int, end: int, wanted: int) -> str:
    """The last text with field number `wanted`, "" when there is none. Raises as `fields` does."""
    found = b""
    for at, to in parts(content, start, end, wanted):
        found = content[at:to]
    return found.decode()


def fields(content: mmap.mmap, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Each field as (number, wire type, value or start, end). Raises ValueError or IndexError: no protobuf."""
    while at < end:
        key, at = _varint(content, at)
        kind = key & 7
        if kind == VARINT:
            value, at = _varint(content, at)
            yield key >> 3, kind, value, at
            continue
        if kind == BYTES:
            size, at = _varint(content, at)
        elif kind in (FIXED64, FIXED32):
            size = 8 if kind == FIXED64 else 4
        else:
            raise ValueError("no protobuf")
        if at + size > end:
            raise ValueError("cut short")
        yield key >> 3, kind, at, at + size
        at += size


def signed(value: int) -> int:
    """A varint as the number of 64 bits that it stands for."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def _varint(content: mmap.mmap, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("no protobuf")
