"""How long a client may stay as it is. One look at all connections per tick; no timer per request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http2.faults import Code, ConnectionFault, calm
from moorage_runtime.servers.http2.limits import Limits

if TYPE_CHECKING:
    from moorage_runtime.servers.http2.connection import Connection
    from moorage_runtime.servers.http2.stream import Stream

TICK_SECONDS = 0.5
# A client that has not answered by then has heard all the same.
_HEARD_SECONDS = 5.0
_LATE = RequestFault(408, "RequestTimeout", "waited too long for the rest of the request")


class Watch:
    """Notes since when a number is what it is, or grows by less than a step."""

    __slots__ = ("mark", "since")

    def __init__(self, now: float) -> None:
        self.since = now
        self.mark = 0

    def still(self, value: int, now: float, step: int = 1) -> float:
        """Seconds for which nothing has changed."""
        if value < self.mark or value - self.mark >= step:
            self.mark, self.since = value, now
        return now - self.since

    def restart(self, value: int, now: float) -> None:
        """There is nothing to wait for."""
        self.mark, self.since = value, now


class Patience:
    """Judges one connection. Times are monotonic seconds."""

    def __init__(self, connection: Connection, limits: Limits, now: float) -> None:
        self._connection = connection
        self._limits = limits
        self._born = self._told = now
        self._frames = Watch(now)
        self._idle = Watch(now)
        self._quiet = Watch(now)
        self._taken = Watch(now)
        self._ending = Watch(now)
        self._bodies: dict[Stream, Watch] = {}

    def look(self, now: float) -> None:
        """One tick."""
        connection = self._connection
        connection.strain.tick()
        if connection.ending:
            self._see_out(now)
            return
        self._ending.restart(0, now)
        fault = self._frame(now) or self._reader(now)
        if fault is not None:
            connection.fail(fault)
            return
        self._silence(now)
        self._uploads(now)
        self._departure(now)

    def _see_out(self, now: float) -> None:
        limits, unread = self._limits, self._connection.unread
        waited = self._ending.still(-unread, now) if unread else self._ending.still(1, now)
        if waited >= (limits.stall_seconds if unread else limits.linger_seconds):
            self._connection.abort()

    def _frame(self, now: float) -> ConnectionFault | None:
        intake, limits = self._connection.intake, self._limits
        if self._connection.outbox.stalled or not intake.unfinished:
            self._frames.restart(intake.whole, now)
            return None
        seconds = limits.first_seconds if intake.greeting else limits.frame_seconds
        if self._frames.still(intake.whole, now) < seconds:
            return None
        return ConnectionFault(Code.SETTINGS_TIMEOUT, "waited too long")

    def _reader(self, now: float) -> ConnectionFault | None:
        """Whether the client takes what it asked for, and not by the byte."""
        connection, limits = self._connection, self._limits
        outbox = connection.outbox
        taken = outbox.moved - connection.unread
        if not outbox.waiting and not outbox.stalled:
            self._taken.restart(taken, now)
        elif self._taken.still(taken, now, limits.stall_bytes) >= limits.stall_seconds:
            if outbox.stalled:
                connection.abort()
            return calm("the answers are not taken")
        return None

    def _silence(self, now: float) -> None:
        connection, limits = self._connection, self._limits
        quiet = self._quiet.still(connection.reads, now)
        if not connection.streams:
            if self._idle.still(connection.outbox.answers, now) >= limits.idle_seconds:
                connection.departure.begin()
            return
        self._idle.restart(connection.outbox.answers, now)
        if quiet < limits.quiet_seconds:
            return
        if not connection.departure.asked:
            connection.departure.ask()
        elif quiet >= limits.quiet_seconds + limits.answer_seconds:
            connection.abort()

    def _uploads(self, now: float) -> None:
        """Requests whose bodies do not come, or come by the byte."""
        limits = self._limits
        self._bodies = {
            stream: self._bodies.get(stream) or Watch(now)
            for stream in self._connection.streams.values()
            if stream.open and not stream.whole and not stream.head.route.patient
        }
        for stream, watch in self._bodies.items():
            slow = watch.still(stream.received, now, limits.stall_bytes) >= limits.stall_seconds
            if slow or now - stream.began >= limits.body_seconds:
                stream.head.route.dismiss(stream, _LATE)

    def _departure(self, now: float) -> None:
        connection, limits = self._connection, self._limits
        departure = connection.departure
        if not departure.told:
            self._told = now
            if now - self._born >= (limits.leaving_seconds if connection.leaving else limits.age_seconds):
                departure.begin()
        elif now - self._told >= _HEARD_SECONDS:
            departure.settle()
