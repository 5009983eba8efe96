"""Answers in parts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from moorage_runtime.servers.http.answers import Answer
    from moorage_runtime.servers.http.exchange import Exchange
    from moorage_runtime.servers.http.outbox import Outbox


class Stream:
    """One answer in parts, chunked (HTTP/1.0: until the connection ends).

    It begins when the answers before it have left, or never: without an outbox, its client is gone. Nothing is kept
    for a client that reads slower than parts come: `write` waits for it. `ends`: the connection ends with it. `sent`:
    bytes of parts.
    """

    __slots__ = ("_closed", "_exchange", "_outbox", "_turn", "ends", "opening", "sent")

    def __init__(self, outbox: Outbox | None, exchange: Exchange, opening: Answer) -> None:
        self.opening = opening
        self._outbox = outbox
        self._exchange = exchange
        self._turn = asyncio.Event()
        if outbox is None:
            self._turn.set()
        self._closed = False
        self.ends = False
        self.sent = 0

    @property
    def gone(self) -> bool:
        """Whether the client left: further parts are dropped."""
        return self._exchange.gone

    async def write(self, part: bytes) -> bool:
        """Send one part, as soon as the client can take it. Gives False when the client is gone."""
        await self._turn.wait()
        outbox = self._outbox
        if outbox is not None and part and not self.gone and not self._closed:
            self.sent += len(part)
            head = self._exchange.head
            if head.method != b"HEAD":
                outbox.send(part if head.old else b"%x\r\n%b\r\n" % (len(part), part))
            await outbox.writable()
        return not self.gone

    def close(self) -> None:
        """End the answer. Ending it again does nothing."""
        self._end(whole=True)

    def fail(self) -> None:
        """End the answer where it is, so that the client can tell that it is not whole."""
        self._end(whole=False)

    def _end(self, *, whole: bool) -> None:
        if self._outbox is not None and not self._closed:
            self._closed = True
            self._outbox.streamed(self._exchange, self, whole=whole)

    @property
    def closed(self) -> bool:
        """Whether no more parts come."""
        return self._closed

    @property
    def end(self) -> bytes:
        """What marks the end on the wire."""
        head = self._exchange.head
        return b"" if head.old or head.method == b"HEAD" else b"0\r\n\r\n"

    def begin(self) -> None:
        """Its turn has come, or its client has gone."""
        self._turn.set()
