"""How long a connection may stay as it is. One look at all connections per tick; no timer per request."""

from __future__ import annotations

import enum
import math
from typing import TYPE_CHECKING

from moorage_runtime.servers.http.limits import Limits

if TYPE_CHECKING:
    from moorage_runtime.servers.http.connection import Connection

TICK_SECONDS = 0.5


class Phase(enum.Enum):
    """What a connection waits for."""

    IDLE = "the next request"
    HEAD = "the rest of a head"
    BODY = "the rest of a body"
    WORK = "an answer of ours"
    STALLED = "the client to read"
    ENDING = "the client to close"


class Patience:
    """Judges connections. A connection notes only that something changed (`due` is 0); the time is noted here."""

    def __init__(self, limits: Limits) -> None:
        self._bytes = limits.stall_bytes
        self._seconds = {
            Phase.IDLE: limits.idle_seconds,
            Phase.HEAD: limits.head_seconds,
            Phase.BODY: limits.stall_seconds,
            Phase.WORK: math.inf,
            Phase.STALLED: limits.stall_seconds,
            Phase.ENDING: limits.linger_seconds,
        }

    def look(self, connection: Connection, now: float) -> None:
        """Note the time of a change, or end the patience with a connection that has not changed for too long."""
        if connection.half_closed:
            connection.check_peer()
        if not connection.due or self._moves(connection, now):
            self._note(connection, now)
        elif now >= connection.due:
            phase = connection.phase
            if phase is Phase.WORK:
                self._note(connection, now)
            else:
                connection.expire(phase)

    def _note(self, connection: Connection, now: float) -> None:
        phase = connection.phase
        connection.due = now + self._seconds[phase]
        connection.mark = connection.moved(phase) if phase in (Phase.BODY, Phase.STALLED) else None

    def _moves(self, connection: Connection, now: float) -> bool:
        mark = connection.mark
        if mark is None:
            return False
        phase = connection.phase
        return connection.moved(phase) - mark >= self._bytes and not connection.overdue(phase, now)
