"""One connection of a client, from its first byte to its end."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import cast

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http.answers import CONTINUE
from moorage_runtime.servers.http.intake import Intake
from moorage_runtime.servers.http.outbox import Outbox
from moorage_runtime.servers.http.parting import part
from moorage_runtime.servers.http.patience import Phase
from moorage_runtime.servers.http.service import Service
from moorage_runtime.servers.http.stream import Stream
from moorage_runtime.servers.ration import GREAT_BYTES, READ_BYTES

_CROWDED = RequestFault(503, "TooManyConnections", "too many connections", ((b"retry-after", b"1"),))
_TCP_CLOSED = 7
_RESET = struct.pack("ii", 1, 0)


class Connection(asyncio.BufferedProtocol):
    """Its `Intake` reads requests and hands them to their routes, its `Outbox` sends the answers.

    `due`, `mark`: see `Patience`. `half_closed`: the client sends no more, but may still read.
    `place`: where the next bytes go.
    """

    __slots__ = (
        "_ending",
        "_first",
        "_intake",
        "_lingered",
        "_outbox",
        "_service",
        "_transport",
        "due",
        "half_closed",
        "mark",
        "place",
    )

    _transport: asyncio.Transport
    _intake: Intake
    _outbox: Outbox

    def __init__(self, service: Service) -> None:
        self._service = service
        self._ending = self._first = False
        self._lingered = 0
        self.half_closed = False
        self.place = service.scratch
        self.due = 0.0
        self.mark: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        service = self._service
        self._transport = cast(asyncio.Transport, transport)
        self._outbox = Outbox(self, service, self._transport)
        self._intake = Intake(self, service, self._transport, self._outbox)
        self.due = service.clock() + service.limits.first_seconds
        service.connections.add(self)
        if len(service.connections) > service.limits.connections:
            self._intake.refuse(None, _CROWDED)
            self._transport.close()

    def connection_lost(self, _exc: Exception | None) -> None:
        """The client has gone, or was sent away."""
        self._service.connections.discard(self)
        self._ending = self._outbox.last = True
        self._intake.stop()
        self._outbox.drop()

    def get_buffer(self, _sizehint: int) -> memoryview:
        """Where the next bytes go: to a place that all connections share, or straight into a large body."""
        place, left = self.place, READ_BYTES if self._first else min(READ_BYTES, self._service.ration.left)
        return place if len(place) <= left else place[:left]

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes have come."""
        if nbytes >= GREAT_BYTES:
            self._take_much(nbytes)
            return
        self._first = False
        if self.place is self._service.scratch:
            self._intake.take(self.place[:nbytes].tobytes())
        else:
            self.place = self.place[nbytes:]
            self._intake.filled(nbytes)

    def _take_much(self, count: int) -> None:
        """Where a read brings all that it may, the loop would read on, dozens of times, before it turns to others."""
        service, intake, place = self._service, self._intake, self.place
        ration = service.ration
        full = count >= len(self.get_buffer(-1))
        self._first = False
        ration.count(count)
        if place is service.scratch:
            intake.take(place[:count].tobytes())
            if self.place is not service.scratch and ration.left > GREAT_BYTES:
                return
        else:
            self.place = place[count:]
            intake.filled(count)
        if full and intake.upload is not None and not self._transport.is_closing():
            self._transport.pause_reading()
            ration.wait(self._read_on)

    def _read_on(self) -> None:
        if not self._outbox.paused and not self._transport.is_closing():
            self._first = True
            self._transport.resume_reading()

    def eof_received(self) -> bool:
        """The client sends no more; it may still read. Gives whether the connection stays open."""
        self.half_closed = True
        self._intake.cut_off()
        outbox = self._outbox
        outbox.last = True
        if self._ending or not outbox.waiting:
            return False
        first = outbox.waiting[0]
        # Who left altogether refuses this; who only sends no more skips it, as HTTP/1.1 demands.
        if not first.head.old and not isinstance(first.held, Stream):
            outbox.send(CONTINUE)
        return True

    def pause_writing(self) -> None:
        """The client reads slowly."""
        self._outbox.pause()
        self.due = 0.0

    def resume_writing(self) -> None:
        """The client has read."""
        self.due = 0.0
        self._outbox.resume()
        self.go_on()

    def go_on(self) -> None:
        """The client may ask for more, if it was not before."""
        if self._outbox.paused:
            self._intake.resume()

    def end(self) -> None:
        """The last answer is sent: let the client read it, and close."""
        if self._ending:
            return
        self._ending = self._outbox.last = True
        self.due = 0.0
        self._intake.stop()
        # An answer that only the end of the connection ends leaves none for requests behind it.
        self._outbox.drop()
        if self.half_closed or not self._transport.can_write_eof():
            self._transport.close()
        else:
            # Closing at once would reset a client that still sends, and take the answer from it.
            self._transport.write_eof()

    def end_if_idle(self) -> None:
        """Close, unless a request is under way, or has just come."""
        if self.phase is Phase.IDLE:
            part(self._transport)

    def abort(self) -> None:
        """Close at once, whatever is under way, and have the kernel forget what it still holds for the client."""
        sock = self._transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()

    def linger(self, count: int) -> None:
        """Bytes have come that nobody wants any more."""
        self._lingered += count
        if self._lingered > self._service.limits.linger_bytes:
            self.abort()

    @property
    def phase(self) -> Phase:
        """What is waited for."""
        if self._outbox.stalled or (self._ending and self._transport.get_write_buffer_size()):
            return Phase.STALLED
        if self._ending:
            return Phase.ENDING
        return self._intake.phase or (Phase.WORK if self._outbox.waiting else Phase.IDLE)

    def moved(self, phase: Phase) -> int:
        """A count that grows as a phase goes on, in bytes."""
        if phase is Phase.STALLED:
            return -self._transport.get_write_buffer_size()
        return self._intake.upload.received if self._intake.upload is not None else 0

    def overdue(self, phase: Phase, now: float) -> bool:
        """Whether a phase has gone on for too long, though it goes on."""
        upload = self._intake.upload
        return phase is Phase.BODY and upload is not None and now >= upload.until

    def expire(self, phase: Phase) -> None:
        """A phase has lasted too long."""
        if phase is Phase.HEAD or phase is Phase.BODY:
            self._intake.expire(phase)
        else:
            self.abort()

    def check_peer(self) -> None:
        """Whether a client that sends no more has left altogether: nothing else would tell before the answer."""
        sock = self._transport.get_extra_info("socket")
        if sock is not None and sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _TCP_CLOSED:
            self._transport.abort()
