"""The reading side of one connection: bytes to requests, within bounds."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http.coding import Unpacking, unpack
from moorage_runtime.servers.http.exchange import Body, Exchange
from moorage_runtime.servers.http.faults import internal
from moorage_runtime.servers.http.head import Head, nothing
from moorage_runtime.servers.http.heads import Refusal
from moorage_runtime.servers.http.parse import hopeless
from moorage_runtime.servers.http.patience import Phase
from moorage_runtime.servers.http.upload import Upload, awaited, passing

if TYPE_CHECKING:
    from moorage_runtime.servers.http.connection import Connection
    from moorage_runtime.servers.http.outbox import Outbox
    from moorage_runtime.servers.http.service import Service

log = logging.getLogger(__name__)
_CUT_OFF = RequestFault(400, "InvalidRequest", "the request ended before it was whole")


class Intake:
    """Takes a connection's bytes apart and runs what they ask for. `upload`: the body under way."""

    __slots__ = ("_connection", "_outbox", "_rest", "_service", "_transport", "upload")

    def __init__(self, connection: Connection, service: Service, transport: asyncio.Transport, outbox: Outbox) -> None:
        self._connection = connection
        self._service = service
        self._transport = transport
        self._outbox = outbox
        self._rest = b""
        self.upload: Upload | None = None

    def take(self, data: bytes) -> None:  # noqa: C901 - the hot path; each call more costs every request
        """Read what has come."""
        service, outbox = self._service, self._outbox
        begun = bool(self._rest)
        if begun:
            data, self._rest = self._rest + data, b""
        at, size = 0, len(data)
        most = service.limits.pipelined
        try:
            for _ in range(most):
                if at >= size or outbox.last:
                    break
                if outbox.stalled or len(outbox.waiting) >= most:
                    self._pause(data[at:])
                    return
                upload = self.upload
                if upload is not None:
                    at = self._feed(upload, data, at)
                    if not upload.done and at < size:
                        break
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
            self._go_on(data, at)

    def filled(self, count: int) -> None:
        """That much of a large body has come straight to its place."""
        upload = self.upload
        if upload is None:
            return
        try:
            upload.filled(count)
        except RequestFault as fault:
            self._fail(fault)
            return
        if upload.done:
            self._finish(upload, more=False)

    def cut_off(self) -> None:
        """The client sends no more."""
        if not self._outbox.last and not self._outbox.paused and (self._rest or self.upload is not None):
            self._fail(_CUT_OFF)

    def expire(self, phase: Phase) -> None:
        """The rest of a head or body has not come in time."""
        self._fail(RequestFault(408, "RequestTimeout", f"waited too long for {phase.value}"))

    def refuse(self, head: Head | None, fault: RequestFault) -> None:
        """Refuse what came, as the last answer: nobody knows where the next request would begin."""
        self.stop()
        self._outbox.last = True
        self._service.refuse(self._enqueue(head or nothing(), b""), head, fault)

    def stop(self) -> None:
        """Read no more requests."""
        self._rest = b""
        if self.upload is not None:
            self._service.bodies -= self.upload.stop(self._connection)
            self.upload = None
        if self._outbox.paused:
            self._outbox.paused = False
            if not self._transport.is_closing():
                self._transport.resume_reading()

    def resume(self) -> None:
        """Go on, if the client has taken enough. Not at once: this is called amid the answers of others."""
        if not self._outbox.stalled and len(self._outbox.waiting) < self._service.limits.pipelined:
            self._outbox.paused = False
            self._service.loop.call_soon(self._resume)

    @property
    def phase(self) -> Phase | None:
        """What of a request is awaited; None when nothing of one has come, or nothing is read."""
        if self.upload is not None:
            return Phase.BODY
        return Phase.HEAD if self._rest and not self._outbox.paused else None

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
            self._service.refuse(exchange, exchange.head, fault)
        except Exception:
            log.exception("request failed")
            self._service.refuse(exchange, exchange.head, internal())

    def _admit(self, head: Head, *, more: bool) -> None:
        """Go on with a head whose body is not here yet, or is not simple. `more`: bytes behind it have come."""
        self._connection.due = 0.0
        self._outbox.more = True
        if isinstance(head.route, Refusal):
            self._skip(head, more=more)
        elif head.chunked or head.length:
            self.upload = awaited(self._service, head)
            if head.expects and not more:
                self._outbox.interim()
        else:
            self._whole(head, b"", more=more)

    def _skip(self, head: Head, *, more: bool) -> None:
        """Refuse a head, and let its body pass by if that is not too much."""
        if not head.chunked and not head.length:
            self._outbox.more = more
            self._outbox.last = not head.keep_alive
        elif head.expects or not head.keep_alive or (head.length or 0) > self._service.limits.discard_bytes:
            self._outbox.last = True
        else:
            self.upload = passing(self._service, head)
        self._run(self._enqueue(head, b""))

    def _feed(self, upload: Upload, data: bytes, at: int) -> int:
        at = upload.feed(data, at)
        if upload.done:
            self._finish(upload, more=at < len(data))
        else:
            upload.fill(self._connection)
        return at

    def _finish(self, upload: Upload, *, more: bool) -> None:
        """A body is whole."""
        self.upload = None
        weight = upload.stop(self._connection)
        self._connection.due = 0.0
        if upload.head is not None:
            self._whole(upload.head, upload.body(), weight, more=more)
        else:
            self._service.bodies -= weight
            self._outbox.more = more

    def _whole(self, head: Head, body: Body, weight: int = 0, *, more: bool) -> None:
        """A request is whole. `weight`: the bytes of its body that count among those of all."""
        self._outbox.more = more
        self._outbox.last = not head.keep_alive
        exchange = self._enqueue(head, body)
        exchange.weight = weight
        if head.coding is None or not body:
            self._run(exchange)
        else:
            unpack(self._service, exchange, Unpacking(body, head.coding, head.route.body_limit), self._run)

    def _fail(self, fault: RequestFault) -> None:
        """What comes from here on cannot be read."""
        upload = self.upload
        if upload is None or upload.head is not None:
            self.refuse(upload.head if upload is not None else None, fault)
            return
        # Its request is answered already.
        self.stop()
        self._outbox.last = True
        if not self._outbox.waiting:
            self._connection.end()

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

    def _go_on(self, data: bytes, at: int) -> None:
        """Bytes are left: of requests, which come after others had their turn, or of nobody."""
        if self._outbox.last:
            self._connection.linger(len(data) - at)
        else:
            self._pause(data[at:])
            self.resume()

    def _pause(self, rest: bytes) -> None:
        self._rest = rest
        self._outbox.more = True
        self._outbox.paused = True
        self._transport.pause_reading()

    def _resume(self) -> None:
        if self._outbox.paused or self._transport.is_closing():
            return
        self._transport.resume_reading()
        rest, self._rest = self._rest, b""
        if rest:
            self.take(rest)
