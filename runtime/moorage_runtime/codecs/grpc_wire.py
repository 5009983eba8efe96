"""Protocol Buffers on the wire, as far as the messages of the V2 gRPC need them.

Read by hand because it is cheaper: google.protobuf takes longer to import than a small model to load, and copies a
tensor's bytes that can be looked at where they lie. A message is `bytes`; a field of it is where its content starts
and stops. Packed numbers are fields whose content is the numbers' encodings one after the other, a lone number is a
field whose content is its one encoding: so both read alike.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from moorage_runtime.errors import RequestFault

VARINT: Final = 0
FIXED64: Final = 1
LENGTH: Final = 2
FIXED32: Final = 5
_FIXED = {FIXED64: 8, FIXED32: 4}
_FIELDS = 1 << 29
_LONGEST_VARINT = 10
_BLOCK = 1 << 16
_MALFORMED = "MalformedRequest"

Span = tuple[int, int]


def malformed(message: str) -> RequestFault:
    """The refusal of bytes that are no message of this protocol."""
    return RequestFault(400, _MALFORMED, f"the message cannot be read: {message}")


def fields(data: bytes, at: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
    """Each field of the message in `data[at:stop]`: its number, wire type, and where its content starts and stops.

    Raises `RequestFault` 400 when a field does not end where it should.
    """
    while at < stop:
        tag, start = read_varint(data, at, stop)
        number, kind, at = tag >> 3, tag & 7, start
        if not 0 < number < _FIELDS:
            raise malformed(f"there is no field {number}")
        if kind == LENGTH:
            length, start = read_varint(data, at, stop)
            at = start + length
        elif kind == VARINT:
            at = read_varint(data, at, stop)[1]
        elif kind in _FIXED:
            at += _FIXED[kind]
        else:
            raise malformed(f"field {number} is of wire type {kind}")
        if at > stop:
            raise malformed(f"field {number} is cut off")
        yield number, kind, start, at


def read_varint(data: bytes, at: int, stop: int) -> tuple[int, int]:
    """The number at `at`, and where it ends. Raises `RequestFault` 400."""
    result = shift = 0
    for place in range(at, min(stop, at + _LONGEST_VARINT)):
        byte = data[place]
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result & 0xFFFFFFFFFFFFFFFF, place + 1
        shift += 7
    raise malformed("a number is cut off")


def text(data: bytes, start: int, stop: int) -> str:
    """The text of a string field. Raises `RequestFault` 400."""
    try:
        return data[start:stop].decode()
    except UnicodeDecodeError as error:
        raise malformed("a name or text is not UTF-8") from error


def signed(number: int) -> int:
    """What an int32 or int64 field means by a varint."""
    return number - (1 << 64) if number >> 63 else number


def read_varints(data: bytes, count: int) -> NDArray[np.uint64] | None:
    """Exactly `count` numbers, one after the other; None when there are more or fewer. Raises `RequestFault` 400.

    In blocks: a few bytes of a request never grow to more than the numbers themselves.
    """
    if not count <= len(data) <= count * _LONGEST_VARINT:
        return None
    raw = np.frombuffer(data, np.uint8)
    numbers = np.empty(count, np.uint64)
    at = filled = 0
    while at < raw.size:
        block = raw[at : at + _BLOCK]
        ends = np.flatnonzero(block < 0x80)
        if not ends.size:
            raise malformed("a number is cut off")
        if filled + ends.size > count:
            return None
        numbers[filled : filled + ends.size] = _varints(block, ends)
        filled += ends.size
        at += int(ends[-1]) + 1
    return numbers if filled == count else None


def _varints(block: NDArray[np.uint8], ends: NDArray[np.intp]) -> NDArray[np.uint64]:
    """The numbers of a block of bytes, given where each ends."""
    if ends.size == block.size:
        return block.astype(np.uint64)
    starts = np.zeros_like(ends)
    starts[1:] = ends[:-1] + 1
    lengths = ends - starts + 1
    if lengths.max() > _LONGEST_VARINT:
        raise malformed("a number is too long")
    used = int(ends[-1]) + 1
    places = np.arange(used) - np.repeat(starts, lengths)
    parts = (block[:used] & 0x7F).astype(np.uint64) << (7 * places).astype(np.uint64)
    return np.asarray(np.bitwise_or.reduceat(parts, starts))


def varint(number: int) -> bytes:
    """A number from 0 to 2**64 - 1."""
    if number < 0x80:
        return bytes((number,))
    parts = bytearray()
    while number >= 0x80:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def varints(numbers: NDArray[np.uint64]) -> bytes:
    """Numbers, one after the other."""
    if not numbers.size or int(numbers.max()) < 0x80:
        return numbers.astype(np.uint8).tobytes()
    return b"".join(_packed(numbers[at : at + _BLOCK]) for at in range(0, numbers.size, _BLOCK))


def _packed(numbers: NDArray[np.uint64]) -> bytes:
    shifts = np.arange(0, 7 * _LONGEST_VARINT, 7, dtype=np.uint64)
    parts = numbers[:, None] >> shifts
    # A byte follows as long as anything is left of the number.
    more = parts[:, 1:] != 0
    encoded = (parts & np.uint64(0x7F)).astype(np.uint8)
    encoded[:, :-1] |= more.astype(np.uint8) << 7
    present = np.ones(encoded.shape, bool)
    present[:, 1:] = more
    return encoded[present].tobytes()


def lead(number: int, length: int) -> bytes:
    """What stands in front of a content of this length in field `number`."""
    return varint(number << 3 | LENGTH) + varint(length)


def field(number: int, content: bytes | str) -> bytes:
    """A text, bytes or message field; nothing when it is empty, as proto3 has it for lone fields."""
    content = content.encode() if isinstance(content, str) else content
    return lead(number, len(content)) + content if content else b""


def flag(number: int, value: bool) -> bytes:
    """A bool field."""
    return varint(number << 3) + b"\x01" if value else b""


def shape(number: int, lengths: tuple[int, ...]) -> bytes:
    """A packed int64 field."""
    return field(number, b"".join(varint(length & 0xFFFFFFFFFFFFFFFF) for length in lengths))


def double(data: bytes, start: int) -> float:
    """The double that starts there."""
    value: float = struct.unpack_from("<d", data, start)[0]
    return value
