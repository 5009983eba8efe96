"""Calls that are refused at their head, before anything of their message is read."""

from __future__ import annotations

from collections.abc import Callable

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http2.stream import Stream


class Refused:
    """Answers with one block of headers; `told` hears of each of them."""

    eager = True
    patient = False

    def __init__(self, block: bytes, told: Callable[[Stream], None] = lambda _: None) -> None:
        self._block = block
        self._told = told

    def opened(self, stream: Stream) -> None:
        """See `Route`."""
        self._told(stream)
        stream.refuse(self._block)

    def data(self, stream: Stream, data: bytes, last: bool) -> None:
        """Nobody reads it."""

    def writable(self, stream: Stream) -> None:
        """The answer has left."""

    def gone(self, stream: Stream) -> None:
        """It was for nobody."""

    def dismiss(self, stream: Stream, fault: RequestFault) -> None:
        """It is answered."""
