"""The answering side of one connection: order, ends, and clients that read slowly."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING

from moorage_runtime.servers.http.answers import CLOSE, CONTINUE, KEEP, Answer
from moorage_runtime.servers.http.faults import internal
from moorage_runtime.servers.http.stream import Stream

if TYPE_CHECKING:
    from moorage_runtime.servers.http.connection import Connection
    from moorage_runtime.servers.http.exchange import Exchange
    from moorage_runtime.servers.http.service import Service

log = logging.getLogger(__name__)
# What the observer is told of a client that left before its answer.
LEFT = 499


class Outbox:
    """Requests that await their answers, in their order.

    `more`: bytes behind the last of them have arrived. `last`: no further request is read. Where neither holds back
    an end, the answer that empties the outbox is the connection's last one. `stalled`: the client has to read first.
    `paused`: it is not listened to until it has taken answers.
    """

    __slots__ = (
        "_connection",
        "_service",
        "_transport",
        "_writable",
        "last",
        "more",
        "owes_continue",
        "paused",
        "stalled",
        "waiting",
    )

    def __init__(self, connection: Connection, service: Service, transport: asyncio.Transport) -> None:
        self._connection = connection
        self._service = service
        self._transport = transport
        self._writable: asyncio.Event | None = None
        self.waiting: deque[Exchange] = deque()
        self.more = False
        self.last = False
        self.owes_continue = False
        self.paused = False
        self.stalled = False

    def answer(self, exchange: Exchange, answer: Answer) -> None:
        """A whole answer is there; it leaves when its turn has come."""
        if self.waiting[0] is exchange:
            self._leave(exchange, answer)
            if self.waiting or self.owes_continue:
                self._advance()
            self._connection.due = 0.0
            if self.paused:
                self._connection.go_on()
        else:
            exchange.held = answer

    def stream(self, exchange: Exchange, opening: Answer) -> Stream:
        """An answer in parts begins; when its turn has come."""
        stream = exchange.held = Stream(self, exchange, opening)
        if self.waiting[0] is exchange:
            self._open(exchange, stream)
        return stream

    def streamed(self, exchange: Exchange, stream: Stream, *, whole: bool) -> None:
        """An answer in parts has ended. When it is not `whole`, so does the connection."""
        if exchange.gone:
            return
        if not whole:
            self._transport.abort()
        elif self.waiting[0] is exchange:
            self._close(stream)
            self._advance()
            self._connection.due = 0.0
            self._connection.go_on()

    def interim(self) -> None:
        """Tell the client to go on, once its turn has come."""
        if self.waiting:
            self.owes_continue = True
        else:
            self.send(CONTINUE)

    def send(self, data: bytes) -> None:
        """Write, unless the connection ends."""
        if not self._transport.is_closing():
            self._transport.write(data)

    def pause(self) -> None:
        """The client reads slowly."""
        self.stalled = True
        self._writable = asyncio.Event()

    def resume(self) -> None:
        """The client has read, or is gone."""
        self.stalled = False
        if self._writable is not None:
            self._writable.set()
            self._writable = None

    async def writable(self) -> None:
        """Wait until the client has read."""
        if self._writable is not None:
            await self._writable.wait()

    def drop(self) -> None:
        """The client is gone."""
        while self.waiting:
            exchange = self._release()
            if self._service.observer is not None:
                self._service.observer(exchange, LEFT, 0)
            exchange.leave()
            if isinstance(exchange.held, Stream):
                exchange.held.begin()
        self.resume()

    def _leave(self, exchange: Exchange, answer: Answer) -> None:
        service = self._service
        self.waiting.popleft()
        service.traffic.in_flight -= 1
        if exchange.weight:
            service.bodies -= exchange.weight
        line = b""
        if self.last or exchange.head.old or service.leaving():
            line = self._line(exchange)
        if not self._transport.is_closing():
            try:
                service.answers.write(self._transport, exchange, answer, line)
            except Exception:
                log.exception("an answer could not be written")
                answer = service.refusal(exchange.head, internal(), exchange.request_id)
                service.answers.write(self._transport, exchange, answer, line)
        if service.observer is not None:
            service.observer(exchange, answer[0], len(answer[1]))
        # Who answers holds the exchange, and the exchange who answers: a circle that only the collector would free.
        exchange.on_gone = None
        if line is CLOSE:
            self._connection.end()

    def _release(self) -> Exchange:
        """The first exchange waits no more, as in `_leave`."""
        exchange = self.waiting.popleft()
        service = self._service
        service.traffic.in_flight -= 1
        service.bodies -= exchange.weight
        return exchange

    def _line(self, exchange: Exchange) -> bytes:
        """What to say of the connection to the client whose request was just taken out."""
        if not self.waiting and (self.last or not self.more) and (self.last or self._service.leaving()):
            return CLOSE
        return KEEP if exchange.head.old else b""

    def _advance(self) -> None:
        """Let go what waited for its turn."""
        while self.waiting and (held := self.waiting[0].held) is not None:
            exchange = self.waiting[0]
            if not isinstance(held, Stream):
                self._leave(exchange, held)
                continue
            self._open(exchange, held)
            if not held.closed:
                return
            self._close(held)
        if self.owes_continue and not self.waiting:
            self.owes_continue = False
            self.send(CONTINUE)

    def _open(self, exchange: Exchange, stream: Stream) -> None:
        alone = len(self.waiting) == 1 and (self.last or (self._service.leaving() and not self.more))
        stream.ends = alone or exchange.head.old
        self.last = self.last or stream.ends
        self.send(self._service.answers.opening(exchange, stream.opening, CLOSE if stream.ends else b""))
        stream.begin()

    def _close(self, stream: Stream) -> None:
        exchange = self._release()
        self.send(stream.end)
        if self._service.observer is not None:
            self._service.observer(exchange, stream.opening[0], stream.sent)
        if stream.ends or (self.last and not self.waiting):
            self._connection.end()
