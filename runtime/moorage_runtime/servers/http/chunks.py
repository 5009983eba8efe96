"""Chunked bodies."""

from __future__ import annotations

import enum
import re

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http.bodies import LARGE_BYTES
from moorage_runtime.servers.http.exchange import Body
from moorage_runtime.servers.http.faults import too_large

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:[ \t]*;[^\r\n\x00]*)?\r\n").match
_PART_OF_SIZE = re.compile(rb"[0-9A-Fa-f]{0,16}(?:[ \t]*|(?<=[0-9A-Fa-f \t])[ \t]*;[^\r\n\x00]*)\r?\Z").match
_TRAILER = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\r\n\x00]*\Z").match
_LINE_BYTES = 256
_TRAILERS_BYTES = 8 << 10
# Framing beyond twice the data and this much is no client's way of sending, but a way of keeping a server busy.
_SPARE_BYTES = 16 << 10
_FREE_BYTES = 16
# Steps that are taken at once: then others have their turn.
_AT_ONCE = 200


class _At(enum.Enum):
    SIZE = enum.auto()
    DATA = enum.auto()
    END = enum.auto()
    TRAILERS = enum.auto()


class Chunked:
    """A body in chunks, at most `limit` bytes of it. Extensions and trailers are read and forgotten."""

    __slots__ = ("_at", "_body", "_keep", "_left", "_limit", "_line", "_spent", "_trailers", "done", "received")

    def __init__(self, limit: int, *, keep: bool = True) -> None:
        self.received = 0
        self.done = False
        self._limit = limit
        self._keep = keep
        self._body = bytearray()
        self._at = _At.SIZE
        self._left = 0
        self._line = b""
        self._spent = 0
        self._trailers = 0

    def feed(self, data: bytes, at: int) -> int:
        """See `BodyReader`. Of very many small chunks it takes some, and leaves the others for another time."""
        behind = at - len(self._line)
        if self._line:
            data, at, self._line = self._line + data[at:], 0, b""
        else:
            behind = 0
        for _ in range(_AT_ONCE):
            if at >= len(data) or self.done:
                break
            before = at
            at = self._step(data, at)
            if at == before and not self.done:
                self._line, at = data[at:], len(data)
        return at + behind

    def body(self) -> Body:
        """See `BodyReader`."""
        return memoryview(self._body) if self.received > LARGE_BYTES else bytes(self._body)

    def _step(self, data: bytes, at: int) -> int:
        """Take the next part of the framing, or what is here of a chunk; gives `at` where more has to come first."""
        if self._at is _At.SIZE:
            return self._size(data, at)
        if self._at is _At.DATA:
            return self._data(data, at)
        return self._end(data, at) if self._at is _At.END else self._trailer(data, at)

    def _size(self, data: bytes, at: int) -> int:
        line = _SIZE(data, at, at + _LINE_BYTES)
        if line is None:
            if len(data) - at >= _LINE_BYTES or not _PART_OF_SIZE(data, at):
                raise _malformed()
            return at
        size = int(line[1], 16)
        self._spent = max(0, self._spent + len(line[0]) + 2 - _FREE_BYTES - 2 * size)
        if self._spent > _SPARE_BYTES:
            raise _malformed()
        if self.received + size > self._limit:
            raise too_large(self._limit)
        self._left = size
        self._at = _At.DATA if size else _At.TRAILERS
        return line.end()

    def _data(self, data: bytes, at: int) -> int:
        stop = min(len(data), at + self._left)
        if self._keep:
            self._body += memoryview(data)[at:stop]
        self.received += stop - at
        self._left -= stop - at
        if not self._left:
            self._at = _At.END
        return stop

    def _end(self, data: bytes, at: int) -> int:
        if not b"\r\n".startswith(data[at : at + 2]):
            raise _malformed()
        if len(data) - at < 2:
            return at
        self._at = _At.SIZE
        return at + 2

    def _trailer(self, data: bytes, at: int) -> int:
        stop = data.find(b"\r\n", at, at + _TRAILERS_BYTES + 2)
        if stop < 0:
            if len(data) - at > _TRAILERS_BYTES or b"\n" in data[at:] or b"\x00" in data[at:]:
                raise _malformed()
            return at
        self._trailers += stop + 2 - at
        if stop == at:
            self.done = True
        elif self._trailers > _TRAILERS_BYTES or not _TRAILER(data, at, stop):
            raise _malformed()
        return stop + 2


def _malformed() -> RequestFault:
    return RequestFault(400, "InvalidRequest", "the chunks of the body are malformed")
