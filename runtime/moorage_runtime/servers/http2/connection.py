"""One connection of a client, from its first byte to its end."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import cast

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http2 import frames
from moorage_runtime.servers.http2.departure import Departure
from moorage_runtime.servers.http2.faults import Code, ConnectionFault
from moorage_runtime.servers.http2.intake import Intake
from moorage_runtime.servers.http2.outbox import Outbox
from moorage_runtime.servers.http2.patience import Patience
from moorage_runtime.servers.http2.service import Service
from moorage_runtime.servers.http2.strain import Strain
from moorage_runtime.servers.http2.stream import Stream

# Behind as much as this more waits, and the loop would read on before it turns to others.
MUCH_BYTES = 64 << 10
_RESET = struct.pack("ii", 1, 0)
_CROWDED = ConnectionFault(Code.ENHANCE_YOUR_CALM, "too many connections")


class Connection(asyncio.Protocol):
    """Its `Intake` reads requests, its `Outbox` sends answers. `streams`: requests that have not ended, by number.
    `reads`: how often something came. `ending`: everything is said, the client may close.
    """

    __slots__ = (
        "_paused",
        "_service",
        "_transport",
        "departure",
        "ending",
        "intake",
        "outbox",
        "patience",
        "reads",
        "strain",
        "streams",
    )

    _transport: asyncio.Transport
    outbox: Outbox
    intake: Intake
    patience: Patience

    def __init__(self, service: Service) -> None:
        self._service = service
        self._paused = False
        self.departure = Departure(self)
        self.strain = Strain()
        self.streams: dict[int, Stream] = {}
        self.reads = 0
        self.ending = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        service = self._service
        self._transport = cast(asyncio.Transport, transport)
        self.outbox = Outbox(self._transport)
        self.intake = Intake(self, service)
        self.patience = Patience(self, service.limits, service.clock())
        service.connections.add(self)
        self.outbox.send(self.intake.opening())
        if len(service.connections) > service.limits.connections:
            self.fail(_CROWDED)

    def connection_lost(self, _exc: Exception | None) -> None:
        """The client has gone, or was sent away."""
        self._service.connections.discard(self)
        self.ending = self.outbox.closed = True
        self._lose_all()

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        self.reads += 1
        if self.ending:
            return
        outbox = self.outbox
        outbox.gather()
        try:
            if not self.intake.take(data) or len(data) >= MUCH_BYTES:
                self._pause()
        except ConnectionFault as fault:
            self.fail(fault)
        outbox.flush()
        if self.departure.final:
            self.end_if_done()

    def pause_writing(self) -> None:
        """The client reads slowly: nothing new is begun for it."""
        self.outbox.stalled = True
        self._pause()

    def resume_writing(self) -> None:
        """The client has read."""
        self.outbox.stalled = False
        self.outbox.pump()
        if self._paused:
            self._service.loop.call_soon(self._resume)

    def _pause(self) -> None:
        """Read no more until others have had their turn, and the client has read."""
        if not self._paused and not self.ending:
            self._paused = True
            self._transport.pause_reading()
            self._service.ration.wait(self._resume)

    def _resume(self) -> None:
        if self._paused and not self.outbox.stalled and not self.ending:
            self._paused = False
            self._transport.resume_reading()
            self.data_received(b"")

    def crowded(self) -> bool:
        """Whether no further request may begin here now."""
        service, limits = self._service, self._service.limits
        return (
            len(self.streams) >= limits.streams
            or service.streams >= limits.streams_together
            or self.outbox.held > limits.held_bytes
        )

    def chatter(self) -> None:
        """A frame that moves nothing. Raises `ConnectionFault` when there are too many."""
        self.strain.chatter(self.outbox.answers)

    def forget(self, stream: Stream) -> None:
        """A stream has ended."""
        if self.streams.pop(stream.number, None) is not None:
            self._service.streams -= 1
            if self.departure.final and not self.streams:
                self._service.loop.call_soon(self.end_if_done)

    def lose(self, stream: Stream) -> None:
        """A stream ends before its answer."""
        if stream.open:
            stream.open = False
            self.outbox.drop(stream)
            stream.head.route.gone(stream)
            stream.state = None
        self.forget(stream)

    def _lose_all(self) -> None:
        for stream in list(self.streams.values()):
            self.lose(stream)

    def send_off(self, fault: RequestFault) -> None:
        """Ask the client to leave. Requests that may stay open are told to end."""
        self.departure.begin()
        for stream in list(self.streams.values()):
            if stream.head.route.patient:
                stream.head.route.dismiss(stream, fault)

    def end_if_done(self) -> None:
        """Close, when every request is answered and none can come."""
        if self.departure.final and not self.streams and not self.ending:
            self._end()

    def fail(self, fault: ConnectionFault) -> None:
        """Nothing more can be read, or shall be."""
        if not self.ending:
            self.outbox.send(frames.goaway(max(0, self.intake.requests.last), fault.code, fault.message))
            self.departure.told = self.departure.final = True
            self._end()
            self._lose_all()

    def _end(self) -> None:
        """Let the client read what it was sent, and close."""
        self.ending = True
        self.outbox.flush()
        self.outbox.closed = True
        if self._transport.is_closing():
            return
        if self._paused:
            self._transport.resume_reading()
        # Closing at once would reset a client that still sends, and take the last answers from it.
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def abort(self) -> None:
        """Close at once, whatever is under way, and have the kernel forget what it still holds for the client."""
        sock = self._transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()

    @property
    def unread(self) -> int:
        """Bytes that the client has not taken from the transport."""
        return self._transport.get_write_buffer_size()

    @property
    def leaving(self) -> bool:
        """Whether clients should go elsewhere."""
        return self._service.leaving()
