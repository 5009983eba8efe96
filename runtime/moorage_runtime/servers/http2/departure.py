"""How a client is sent elsewhere without losing anything: it is asked first, and only when it must have heard that, it
is told which stream was the last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from moorage_runtime.servers.http2 import frames
from moorage_runtime.servers.http2.faults import Code

if TYPE_CHECKING:
    from moorage_runtime.servers.http2.connection import Connection

_HEARD = b"heard it"
_THERE = b"anybody?"


class Departure:
    """One connection's. `told`: the client was asked to leave, or leaves by itself. `final`: no further stream is
    looked at. `asked`: the client was asked whether it is still there, and has not answered.
    """

    __slots__ = ("_connection", "asked", "final", "told")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.told = False
        self.final = False
        self.asked = False

    def begin(self) -> None:
        """Ask the client to leave; what it has sent when it hears of it will be answered."""
        if not self.told:
            self.told = True
            ping = frames.frame(frames.PING, content=_HEARD)
            self._connection.outbox.send(frames.goaway(frames.LAST_STREAM, Code.NO_ERROR) + ping)

    def answered(self, content: bytes) -> None:
        """A ping of ours has come back."""
        self.asked = False
        if content == _HEARD and self.told:
            self.settle()

    def settle(self) -> None:
        """The client has heard, or had the time to: what it begins from here on is not looked at."""
        if not self.final:
            self.told = self.final = True
            connection = self._connection
            connection.outbox.send(frames.goaway(max(0, connection.intake.requests.last), Code.NO_ERROR))
            connection.end_if_done()

    def accompany(self) -> None:
        """The client leaves by itself, when its requests are answered."""
        self.told = self.final = True
        self._connection.end_if_done()

    def ask(self) -> None:
        """Find out whether the client is still there."""
        self.asked = True
        self._connection.outbox.send(frames.frame(frames.PING, content=_THERE))
