"""Compressed bodies, unpacked in steps that do not keep the loop, and never beyond a limit."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http.faults import crowded, too_large

if TYPE_CHECKING:
    from moorage_runtime.servers.http.exchange import Body, Exchange
    from moorage_runtime.servers.http.service import Service

STEP_BYTES = 64 << 10
_GZIP = 16 + zlib.MAX_WBITS


class Unpacking:
    """One body of `coding` gzip, x-gzip or deflate (with or without zlib's wrapper)."""

    __slots__ = ("_at", "_bits", "_left", "_limit", "_packed", "_stream", "_unpacked", "done")

    def __init__(self, packed: Body, coding: bytes, limit: int) -> None:
        self.done = False
        self._packed = memoryview(packed)
        self._limit = limit
        self._bits = _deflated(self._packed) if coding == b"deflate" else _GZIP
        self._stream = zlib.decompressobj(self._bits)
        self._at = 0
        self._left = b""
        self._unpacked = bytearray()

    def step(self) -> None:
        """Unpack a bit more. Raises `RequestFault` 400 or 413."""
        part: Body = self._left
        if not part:
            part = self._packed[self._at : self._at + STEP_BYTES]
            self._at += len(part)
        try:
            self._unpacked += self._stream.decompress(part, STEP_BYTES)
        except zlib.error:
            raise _corrupt() from None
        if len(self._unpacked) > self._limit:
            raise too_large(self._limit)
        self._left = self._stream.unconsumed_tail
        if self._stream.eof:
            self._next(self._stream.unused_data)
        elif not self._left and self._at >= len(self._packed) and not self._pending():
            raise _corrupt()

    @property
    def size(self) -> int:
        """Bytes that are unpacked so far."""
        return len(self._unpacked)

    def body(self) -> Body:
        """The whole body, once `done`."""
        return memoryview(self._unpacked)

    def _pending(self) -> bool:
        """Whether the stream still holds output, though it has all input."""
        more = self._stream.decompress(b"", STEP_BYTES)
        self._unpacked += more
        return bool(more)

    def _next(self, behind: bytes) -> None:
        """After the end of a stream: gzip may have another one behind."""
        self._left = behind
        if not behind and self._at >= len(self._packed):
            self.done = True
        elif self._bits != _GZIP:
            raise _corrupt()
        else:
            self._stream = zlib.decompressobj(_GZIP)


def unpack(service: Service, exchange: Exchange, body: Unpacking, run: Callable[[Exchange], None]) -> None:
    """Unpack a bit of an exchange's body, come back for the rest after others had their turn, then `run`."""
    if exchange.gone:
        return
    before = body.size
    try:
        body.step()
        exchange.weight += body.size - before
        service.bodies += body.size - before
        if service.bodies > service.limits.bodies_bytes and not body.done:
            raise crowded()
    except RequestFault as fault:
        service.refuse(exchange, exchange.head, fault)
        return
    if body.done:
        exchange.body = body.body()
        run(exchange)
    else:
        service.loop.call_soon(unpack, service, exchange, body, run)


def _deflated(packed: memoryview) -> int:
    wrapped = len(packed) >= 2 and packed[0] & 0x0F == 8 and (packed[0] << 8 | packed[1]) % 31 == 0
    return zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS


def _corrupt() -> RequestFault:
    return RequestFault(400, "InvalidRequest", "the compressed body is corrupt, or is cut off")
