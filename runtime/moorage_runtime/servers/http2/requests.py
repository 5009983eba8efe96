"""The requests of one connection: from a block of headers to the route that answers."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING

from moorage_runtime.servers.http2.faults import Code, ConnectionFault, wrong
from moorage_runtime.servers.http2.head import Malformed, check_trailers
from moorage_runtime.servers.http2.heads import Blocks
from moorage_runtime.servers.http2.stream import Stream

if TYPE_CHECKING:
    from moorage_runtime.servers.http2.connection import Connection
    from moorage_runtime.servers.http2.service import Service

log = logging.getLogger(__name__)
_GAPS = 16


class Requests:
    """`last`: the number of the newest stream, -1 before the first."""

    __slots__ = ("_blocks", "_connection", "_gaps", "_service", "last")

    def __init__(self, connection: Connection, service: Service) -> None:
        self._connection = connection
        self._service = service
        self._blocks = Blocks(service.heads, service.limits)
        self._gaps: deque[range] = deque(maxlen=_GAPS)
        self.last = -1

    def begin(self, number: int, block: bytes, end: int) -> None:
        """A block of headers is whole; `end`: no body follows. Raises `ConnectionFault`."""
        if number <= self.last or not number & 1:
            self._again(number, block, end)
            return
        head = self._blocks.find(block)
        if number != self.last + 2:
            self._gaps.append(range(self.last + 2, number, 2))
        self.last = number
        connection, service = self._connection, self._service
        if connection.departure.final:
            connection.intake.forgive(number)
        elif head is None:
            connection.intake.break_off(number, Code.PROTOCOL_ERROR)
        elif connection.crowded():
            connection.intake.break_off(number, Code.REFUSED_STREAM)
        else:
            outbox = connection.outbox
            stream = Stream(connection, number, head, connection.intake.window, outbox.initial, service.clock())
            connection.streams[number] = stream
            service.streams += 1
            if head.route.eager:
                self._told(stream)
            if end:
                self.body(stream, b"", end)

    def body(self, stream: Stream, content: bytes, end: int) -> None:
        """Some of a body has come; `end`: the last of it."""
        stream.received += len(content)
        if end:
            stream.whole = True
            length = stream.head.length
            if length is not None and length != stream.received:
                self._connection.intake.break_off(stream.number, Code.PROTOCOL_ERROR)
                return
        if not stream.open:
            return
        try:
            stream.head.route.data(stream, content, end != 0)
        except Exception:
            self._failed(stream)

    def _told(self, stream: Stream) -> None:
        try:
            stream.head.route.opened(stream)
        except Exception:
            self._failed(stream)

    def _failed(self, stream: Stream) -> None:
        log.exception("request failed")
        self._connection.intake.break_off(stream.number, Code.INTERNAL_ERROR)

    def _again(self, number: int, block: bytes, end: int) -> None:
        """Headers of a stream that is not new: trailers, or out of place."""
        if not number & 1 or any(number in gap for gap in self._gaps):
            raise wrong("a stream has a number that it cannot have")
        fields = self._blocks.fields(block)
        stream = self._connection.streams.get(number)
        if stream is None or stream.whole:
            if not self._connection.intake.forgiven(number):
                raise ConnectionFault(Code.STREAM_CLOSED, "headers of a stream that has ended")
            return
        try:
            check_trailers(fields)
        except Malformed:
            end = 0
        if end:
            self.body(stream, b"", end)
        else:
            self._connection.intake.break_off(number, Code.PROTOCOL_ERROR)
