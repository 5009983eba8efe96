"""One connection to Redis: commands are sent as they come, replies come in the same order, each within its time."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import cast

from moorage_runtime.caching.resp import ErrorReply, ProtocolError, Replies, Reply

log = logging.getLogger(__name__)

Answered = Callable[[Reply], None]
# A loop that was kept busy finds its timers due before it has read what arrived meanwhile: it may read first.
_GRACE_SECONDS = 0.005
# After these the connection is of no use: a new one may have other credentials.
_FATAL = frozenset({"NOAUTH", "WRONGPASS", "DENIED"})


class Lost(ErrorReply):
    """The reply to a command that never got one: the connection ended, or the time was over."""


class Link(asyncio.Protocol):
    """`timeout`: seconds that a reply may take. `lost(why)` is called once, when the connection is over.

    Each command's callback is called exactly once: with the reply, or with `Lost`.
    """

    def __init__(self, most: int, timeout: float, lost: Callable[[str], None]) -> None:
        self._replies = Replies(most)
        self._timeout = timeout
        self._lost = lost
        self._why = "the connection was closed"
        self._waiting: deque[tuple[float, Answered]] = deque()
        self._outgoing: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None

    @property
    def over(self) -> bool:
        """Whether the connection has ended."""
        return self._transport is None

    @property
    def backlog(self) -> int:
        """Bytes that wait to be sent."""
        unsent = self._transport.get_write_buffer_size() if self._transport else 0
        return unsent + sum(map(len, self._outgoing))

    def ask(self, sent: bytes, answered: Answered) -> None:
        """Send a command, together with all others of this turn of the loop."""
        if self._transport is None:
            answered(Lost(self._why))
            return
        if not self._outgoing:
            self._loop.call_soon(self._send)
        self._outgoing.append(sent)
        self._waiting.append((self._loop.time() + self._timeout, answered))
        if self._timer is None:
            self._timer = self._loop.call_later(self._timeout, self._check)

    def abort(self, why: str) -> None:
        """End the connection now."""
        if self._transport is not None:
            self._why = why
            self._transport.abort()
            self.connection_lost(None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """For asyncio."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """For asyncio."""
        try:
            replies = self._replies.feed(data)
        except ProtocolError as error:
            self.abort(f"it sent {error}")
            return
        for reply in replies:
            if not self._waiting:
                self.abort("it sent a reply to nothing")
                return
            self._waiting.popleft()[1](reply)
            if isinstance(reply, ErrorReply) and reply.kind in _FATAL:
                self.abort(f"it refuses: {reply.kind}")
                return

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """For asyncio."""
        if self._transport is None:
            return
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        self._outgoing.clear()
        self._lost(self._why)
        waiting, self._waiting = self._waiting, deque()
        for _, answered in waiting:
            answered(Lost(self._why))

    def _send(self) -> None:
        if self._transport is not None and self._outgoing:
            self._transport.write(b"".join(self._outgoing))
            self._outgoing.clear()

    def _check(self, late: object = None) -> None:
        """The commands' times end in the order in which they were sent, so one timer is enough for all.

        `late`: the command that was found late before, and may have been answered since.
        """
        self._timer = None
        if not self._waiting:
            return
        first = self._waiting[0]
        left = first[0] - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._check)
        elif first is late:
            self.abort(f"no reply within {self._timeout * 1000:g} ms")
        else:
            self._timer = self._loop.call_later(_GRACE_SECONDS, self._check, first)
