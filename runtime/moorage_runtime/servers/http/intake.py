"""The reading side of one connection: bytes to requests, within bounds."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http.bodies import LARGE_BYTES, BodyReader, Large, Skipped, sized
from moorage_runtime.servers.http.chunks import Chunked
from moorage_runtime.servers.http.coding import Unpacking
from moorage_runtime.servers.http.exchange import Body, Exchange
from moorage_runtime.servers.http.filling import Filling
from moorage_runtime.servers.http.head import Head, nothing
from moorage_runtime.servers.http.heads import Refusal, internal
from moorage_runtime.servers.http.parse import hopeless
from moorage_runtime.servers.http.patience import Phase

if TYPE_CHECKING:
    from moorage_runtime.servers.http.connection import Connection
    from moorage_runtime.servers.http.outbox import Outbox
    from moorage_runtime.servers.http.service import Service

log = logging.getLogger(__name__)
_CUT_OFF = RequestFault(400, "InvalidRequest", "the request ended before it was whole")
_MEMORY = RequestFault(503, "Overloaded", "too many large requests at once", ((b"retry-after", b"1"),))


class Intake:
    """Takes a connection's bytes apart and runs what they ask for.

    `paused`: the client has to take answers before it may ask for more. `until`: when a body must be whole.
    """

    __slots__ = (
        "_connection",
        "_filling",
        "_head",
        "_outbox",
        "_reader",
        "_rest",
        "_service",
        "_transport",
        "paused",
        "until",
    )

    def __init__(self, connection: Connection, service: Service, transport: asyncio.Transport, outbox: Outbox) -> None:
        self._connection = connection
        self._service = service
        self._transport = transport
        self._outbox = outbox
        self._rest = b""
        self._reader: BodyReader | None = None
        # Whose body it is; None: of a request that is answered already.
        self._head: Head | None = None
        self._filling = False
        self.paused = False
        self.until = 0.0

    def take(self, data: bytes) -> None:
        """Read what has come."""
        service, outbox = self._service, self._outbox
        begun = bool(self._rest)
        if begun:
            data, self._rest = self._rest + data, b""
        at, size = 0, len(data)
        try:
            while at < size and not outbox.last:
                if outbox.stalled or len(outbox.waiting) >= service.limits.pipelined:
                    self._pause(data[at:])
                    return
                if self._reader is not None:
                    at = self._feed(self._reader, data, at)
                    continue
                end = data.find(b"\r\n\r\n", at) + 4
                if end < 4:
                    self._keep(data, at, begun)
                    return
                head = service.heads.find(data[at:end])
                if head is None:
                    at = end
                    continue
                stop = end + (head.length or 0)
                if head.simple and stop <= size:
                    outbox.more = stop < size
                    self._run(self._enqueue(head, data[end:stop]))
                    at = stop
                else:
                    at = end
                    self._admit(head, more=end < size)
        except RequestFault as fault:
            self._fail(fault)
        if at < size:
            self._connection.linger(size - at)

    def filled(self, body: Large, count: int) -> None:
        """That much of a body came straight to its place."""
        self._service.bodies += count
        body.filled(count)
        if body.done:
            self._finish(body, more=False)
        elif self._service.bodies > self._service.limits.bodies_bytes:
            self._fail(_MEMORY)

    def cut_off(self) -> None:
        """The client sends no more."""
        if not self._outbox.last and not self.paused and (self._rest or self._reader is not None):
            self._fail(_CUT_OFF)

    def expire(self, phase: Phase) -> None:
        """The rest of a head or body has not come in time."""
        self._fail(RequestFault(408, "RequestTimeout", f"waited too long for {phase.value}"))

    def refuse(self, head: Head | None, fault: RequestFault) -> None:
        """Refuse what came, as the last answer: nobody knows where the next request would begin."""
        self.stop()
        self._outbox.last = True
        exchange = self._enqueue(head or nothing(), b"")
        exchange.give(self._service.refusal(head, fault, exchange.request_id))

    def stop(self) -> None:
        """Read no more requests."""
        self._rest = b""
        self._stop_body()
        if self.paused:
            self.paused = False
            if not self._transport.is_closing():
                self._transport.resume_reading()

    def resume(self) -> None:
        """Go on, if the client has taken enough. Not at once: this is called amid the answers of others."""
        if not self._outbox.stalled and len(self._outbox.waiting) < self._service.limits.pipelined:
            self.paused = False
            self._service.loop.call_soon(self._resume)

    @property
    def phase(self) -> Phase | None:
        """What of a request is awaited; None when nothing of one has come, or nothing is read."""
        if self._reader is not None:
            return Phase.BODY
        return Phase.HEAD if self._rest and not self.paused else None

    @property
    def received(self) -> int:
        """Bytes of the body under way."""
        return self._reader.received if self._reader is not None else 0

    def _enqueue(self, head: Head, body: Body) -> Exchange:
        service = self._service
        exchange = Exchange(self._outbox, head, body, head.request_id or service.new_id(), service.clock())
        self._outbox.waiting.append(exchange)
        service.traffic.in_flight += 1
        service.traffic.begun += 1
        return exchange

    def _run(self, exchange: Exchange) -> None:
        try:
            exchange.head.route(exchange)
        except RequestFault as fault:
            exchange.give(self._service.refusal(exchange.head, fault, exchange.request_id))
        except Exception:
            log.exception("request failed")
            exchange.give(self._service.refusal(exchange.head, internal(), exchange.request_id))

    def _unpack(self, exchange: Exchange, unpacking: Unpacking) -> None:
        """Unpack a bit of a compressed body, and come back for the rest after others had their turn."""
        if exchange.gone:
            return
        try:
            unpacking.step()
        except RequestFault as fault:
            exchange.give(self._service.refusal(exchange.head, fault, exchange.request_id))
            return
        if unpacking.done:
            exchange.body = unpacking.body()
            self._run(exchange)
        else:
            self._service.loop.call_soon(self._unpack, exchange, unpacking)

    def _admit(self, head: Head, *, more: bool) -> None:
        """Go on with a head whose body is not here yet, or is not simple. `more`: bytes behind it have come."""
        self._connection.due = 0.0
        self.until = self._service.clock() + self._service.limits.body_seconds
        self._outbox.more = True
        if isinstance(head.route, Refusal):
            self._skip(head)
        elif head.chunked or head.length:
            self._head = head
            self._reader = Chunked(head.route.body_limit) if head.chunked else sized(head.length or 0)
            if head.expects and not more:
                self._outbox.interim()
        else:
            self._whole(head, b"", more=more)

    def _skip(self, head: Head) -> None:
        """Refuse a head, and let its body pass by if that is not too much."""
        limit = self._service.limits.discard_bytes
        if not head.chunked and not head.length:
            self._outbox.more = False
            self._outbox.last = not head.keep_alive
        elif head.expects or not head.keep_alive or (head.length or 0) > limit:
            self._outbox.last = True
        else:
            self._head = None
            self._reader = Chunked(limit, keep=False) if head.chunked else Skipped(head.length or 0)
        self._run(self._enqueue(head, b""))

    def _feed(self, reader: BodyReader, data: bytes, at: int) -> int:
        before = reader.received
        at = reader.feed(data, at)
        self._service.bodies += reader.received - before
        if reader.done:
            self._finish(reader, more=at < len(data))
        elif self._service.bodies > self._service.limits.bodies_bytes:
            raise _MEMORY
        elif isinstance(reader, Large) and reader.length - reader.received >= LARGE_BYTES:
            self._filling = True
            self._transport.set_protocol(Filling(self._connection, self, reader))
        return at

    def _finish(self, reader: BodyReader, *, more: bool) -> None:
        """A body is whole."""
        head = self._head
        self._stop_body()
        self._connection.due = 0.0
        if head is not None:
            self._whole(head, reader.body(), more=more)
        else:
            self._outbox.more = more

    def _whole(self, head: Head, body: Body, *, more: bool) -> None:
        """A request is whole."""
        self._outbox.more = more
        self._outbox.last = not head.keep_alive
        exchange = self._enqueue(head, body)
        if head.coding is None or not body:
            self._run(exchange)
        else:
            self._unpack(exchange, Unpacking(body, head.coding, head.route.body_limit))

    def _stop_body(self) -> None:
        if self._reader is not None:
            self._service.bodies -= self._reader.received
            self._reader = self._head = None
        if self._filling:
            self._filling = False
            self._transport.set_protocol(self._connection)

    def _fail(self, fault: RequestFault) -> None:
        """What comes from here on cannot be read."""
        if self._reader is not None and self._head is None:
            # Its request is answered already.
            self.stop()
            self._outbox.last = True
            if not self._outbox.waiting:
                self._connection.end()
        else:
            self.refuse(self._head, fault)

    def _keep(self, data: bytes, at: int, begun: bool) -> None:
        """Keep the beginning of a head until more of it comes."""
        while data.startswith(b"\r\n", at):
            at += 2
        self._rest = data[at:]
        self._outbox.more = bool(self._rest)
        if at or not begun:
            self._connection.due = 0.0
        fault = hopeless(self._rest, self._service.limits) if self._rest else None
        if fault is not None:
            raise fault

    def _pause(self, rest: bytes) -> None:
        self._rest = rest
        self._outbox.more = True
        self.paused = True
        self._transport.pause_reading()

    def _resume(self) -> None:
        if self.paused or self._outbox.last or self._transport.is_closing():
            return
        self._transport.resume_reading()
        rest, self._rest = self._rest, b""
        if rest:
            self.take(rest)
