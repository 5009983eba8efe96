"""One connection of a client."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
from collections import deque

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http.answers import JSON, lines
from moorage_runtime.servers.http.exchange import Body, Exchange, Stream
from moorage_runtime.servers.http.head import Head, parse
from moorage_runtime.servers.http.service import Service

log = logging.getLogger(__name__)
_PREFIX = os.urandom(4).hex().encode()
_count = itertools.count()


def new_id() -> bytes:
    """A request id for a client that sent none: 16 hex digits, told apart by process and by count."""
    return b"%b%08x" % (_PREFIX, next(_count) & 0xFFFFFFFF)


class Connection(asyncio.Protocol):
    """Reads requests, hands them to their routes, writes answers in order."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._buffer = b""
        self._waiting: deque[Exchange] = deque()
        self._drained: asyncio.Event | None = None
        self._ended = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")  # noqa: S101
        self.transport = transport  # type: ignore[assignment]
        self._service.connections.add(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._service.connections.discard(self)
        self._ended = True
        for exchange in self._waiting:
            exchange.gone = True
            self._service.traffic.end()
            if exchange.on_gone:
                exchange.on_gone()
        self._waiting.clear()
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        while data and not self._ended:
            end = data.find(b"\r\n\r\n") + 4
            if end < 4:
                break
            try:
                head = parse(data[:end])
                head.route = self._service.app.route(head)
                if (head.length or 0) > head.route.body_limit:
                    raise RequestFault(413, "BodyTooLarge", f"the body is larger than {head.route.body_limit} bytes")
            except RequestFault as fault:
                self._refuse(None, fault)
                return
            stop = end + (head.length or 0)
            if len(data) < stop:
                break
            self._dispatch(head, data[end:stop])
            data = data[stop:]
        self._buffer = data

    def _dispatch(self, head: Head, body: Body) -> None:
        service = self._service
        exchange = Exchange(self, head, body, head.request_id or new_id(), service.clock())
        self._waiting.append(exchange)
        service.traffic.begin()
        try:
            head.route(exchange)
        except RequestFault as fault:
            self._fail(exchange, fault)
        except Exception:
            log.exception("request failed")
            self._fail(exchange, RequestFault(500, "InternalError", "internal error"))

    def _fail(self, exchange: Exchange, fault: RequestFault) -> None:
        document = self._service.app.error(exchange.head, fault, exchange.request_id)
        self.answered(exchange, fault.status, document, JSON, lines(getattr(fault, "headers", ())))

    def _refuse(self, head: Head | None, fault: RequestFault) -> None:
        request_id = new_id()
        document = self._service.app.error(head, fault, request_id)
        start = self._service.answers.start(fault.status, JSON)
        extra = b"connection: close\r\n" + lines(getattr(fault, "headers", ()))
        self.send(
            b"%bcontent-length: %d\r\nx-request-id: %b\r\n%b\r\n%b"
            % (start, len(document), request_id, extra, document)
        )
        self._end()

    def answered(self, exchange: Exchange, status: int, body: bytes, content_type: bytes, extra: bytes) -> None:
        """One answer is there: it leaves now, or when those before it have left."""
        if exchange.gone:
            return
        if exchange._held is not None:
            raise RuntimeError("answered twice")
        start = self._service.answers.start(status, content_type)
        if self._closes(exchange):
            extra = b"connection: close\r\n" + extra
        content = b"" if exchange.head.method == b"HEAD" else body
        exchange._held = b"%bcontent-length: %d\r\nx-request-id: %b\r\n%b\r\n%b" % (
            start,
            len(body),
            exchange.request_id,
            extra,
            content,
        )
        self._service.traffic.end()
        self._flush()

    def _closes(self, exchange: Exchange) -> bool:
        return not exchange.head.keep_alive or self._service.leaving()

    def _flush(self) -> None:
        waiting = self._waiting
        while waiting and waiting[0]._held is not None:
            first = waiting.popleft()
            self.send(first._held or b"")
            if self._closes(first):
                self._end()

    def streaming(self, exchange: Exchange, status: int, content_type: bytes, extra: bytes) -> Stream:
        """Begin an answer in parts."""
        start = self._service.answers.start(status, content_type)
        self.send(b"%bx-request-id: %b\r\ntransfer-encoding: chunked\r\n%b\r\n" % (start, exchange.request_id, extra))
        return Stream(self, exchange)

    def streamed(self, exchange: Exchange) -> None:
        """An answer in parts is complete."""
        if not exchange.gone:
            exchange._held = b"0\r\n\r\n"
            self._service.traffic.end()
            self._flush()

    def send(self, data: bytes) -> None:
        """Write, unless the client left."""
        if not self.transport.is_closing():
            self.transport.write(data)

    def _end(self) -> None:
        self._ended = True
        self.transport.close()

    @property
    def idle(self) -> bool:
        """Nothing of a request has arrived that is not answered."""
        return not self._waiting and not self._buffer

    def pause_writing(self) -> None:
        self._drained = asyncio.Event()

    def resume_writing(self) -> None:
        if self._drained is not None:
            self._drained.set()
            self._drained = None

    async def writable(self) -> None:
        """Wait until the client has read enough."""
        if self._drained is not None:
            await self._drained.wait()
