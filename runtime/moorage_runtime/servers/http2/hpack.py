"""Header blocks (RFC 7541). Answers are written without a table: nothing of them depends on what was sent before."""

from __future__ import annotations

from collections.abc import Sequence

from moorage_runtime.servers.http2 import huffman
from moorage_runtime.servers.http2.faults import Code, ConnectionFault, calm

Field = tuple[bytes, bytes]

TABLE_BYTES = 4096
# What each field counts beside its name and value.
FIELD_BYTES = 32
_LONGEST_NUMBER = 5
_HUFFMAN = 0x80
_STATIC = (
    ":authority :method=GET :method=POST :path=/ :path=/index.html :scheme=http :scheme=https :status=200 :status=204 "
    ":status=206 :status=304 :status=400 :status=404 :status=500 accept-charset accept-encoding=gzip,+deflate "
    "accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control "
    "content-disposition content-encoding content-language content-length content-location content-range content-type "
    "cookie date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since "
    "last-modified link location max-forwards proxy-authenticate proxy-authorization range referer refresh retry-after "
    "server set-cookie strict-transport-security transfer-encoding user-agent vary via www-authenticate"
)


def _entry(text: str) -> Field:
    name, _, value = text.partition("=")
    return name.encode(), value.replace("+", " ").encode()


STATIC: tuple[Field, ...] = tuple(map(_entry, _STATIC.split()))
_WHOLE = {field: index for index, field in enumerate(STATIC, 1) if field[1]}
_NAMES = {name: index for index, (name, _) in reversed(list(enumerate(STATIC, 1)))}


class Decoder:
    """Reads the blocks of one connection, in their order. `changes` grows with every change of its table: until then,
    equal bytes are equal fields.
    """

    __slots__ = ("_entries", "_limit", "_size", "changes")

    def __init__(self) -> None:
        self._entries: list[Field] = []
        self._size = 0
        self._limit = TABLE_BYTES
        self.changes = 0

    def decode(self, block: bytes, most_bytes: int) -> list[Field]:
        """The fields of a whole block. Raises `ConnectionFault`: after that, no further block can be read."""
        fields: list[Field] = []
        left, stop = most_bytes, len(block)
        try:
            at = self._resize(block)
            while at < stop:
                first = block[at]
                if first & 0x80:
                    index, at = number(block, at, 0x7F) if first == 0xFF else (first & 0x7F, at + 1)
                    field = self._field(index)
                elif first & 0xE0 == 0x20:
                    raise _corrupt("the table changes its size in the middle of a block")
                else:
                    field, at = self._literal(block, at, first & 0x40)
                left -= len(field[0]) + len(field[1]) + FIELD_BYTES
                if left < 0:
                    raise calm("the headers are too large")
                fields.append(field)
        except IndexError:
            raise _corrupt("a block of headers is cut off") from None
        return fields

    def _resize(self, block: bytes) -> int:
        """Take the changes of the table's size that a block begins with; gives the position behind them."""
        at = 0
        while at < len(block) and block[at] & 0xE0 == 0x20:
            self._limit, at = number(block, at, 0x1F)
            if self._limit > TABLE_BYTES:
                raise _corrupt("the table is larger than allowed")
            self._evict()
            self.changes += 1
        return at

    def _literal(self, block: bytes, at: int, kept: int) -> tuple[Field, int]:
        index, at = number(block, at, 0x3F if kept else 0x0F)
        if index:
            name = self._field(index)[0]
        else:
            name, at = text(block, at)
        value, at = text(block, at)
        field = name, value
        if kept:
            self._entries.insert(0, field)
            self._size += len(name) + len(value) + FIELD_BYTES
            self.changes += 1
            self._evict()
        return field, at

    def _field(self, index: int) -> Field:
        if 0 < index <= len(STATIC):
            return STATIC[index - 1]
        index -= len(STATIC) + 1
        if not 0 <= index < len(self._entries):
            raise _corrupt("the table has no such entry")
        return self._entries[index]

    def _evict(self) -> None:
        while self._size > self._limit:
            name, value = self._entries.pop()
            self._size -= len(name) + len(value) + FIELD_BYTES


def number(block: bytes, at: int, mask: int) -> tuple[int, int]:
    """The number whose first bits are those in `mask`, and the position behind it.

    Raises `ConnectionFault`, and IndexError when it is cut off.
    """
    value = block[at] & mask
    at += 1
    if value < mask:
        return value, at
    for shift in range(0, 7 * _LONGEST_NUMBER, 7):
        byte = block[at]
        at += 1
        value += (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise _corrupt("a number is too long")


def text(block: bytes, at: int) -> tuple[bytes, int]:
    """The string that stands there, and the position behind it. Raises as `number` does."""
    coded = block[at] & _HUFFMAN
    length, at = number(block, at, 0x7F)
    stop = at + length
    if stop > len(block):
        raise _corrupt("a string is cut off")
    content = block[at:stop]
    return (huffman.decode(content) if coded else content), stop


def write(fields: Sequence[Field]) -> bytes:
    """A block of fields that nobody's table needs to remember."""
    return b"".join(map(_written, fields))


def string(value: bytes) -> bytes:
    """A string as it is."""
    return _number(len(value), 0x7F) + value


def _written(field: Field) -> bytes:
    if field in _WHOLE:
        return bytes((0x80 | _WHOLE[field],))
    name, value = field
    index = _NAMES.get(name)
    return (b"\x00" + string(name) if index is None else _number(index, 0x0F)) + string(value)


def _number(value: int, mask: int) -> bytes:
    if value < mask:
        return value.to_bytes(1, "big")
    value -= mask
    out = bytearray((mask,))
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _corrupt(message: str) -> ConnectionFault:
    return ConnectionFault(Code.COMPRESSION_ERROR, message)
