"""One request and its answer."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from moorage_runtime.servers.http2 import frames
from moorage_runtime.servers.http2.faults import Code
from moorage_runtime.servers.http2.frames import END_HEADERS, END_STREAM, HEADERS, write_head

if TYPE_CHECKING:
    from moorage_runtime.servers.http2.connection import Connection
    from moorage_runtime.servers.http2.head import Head

_LAST = END_HEADERS | END_STREAM


class Stream:
    """A request is answered by `answer`, by `refuse`, or by `begin`, any number of `send`, and `finish`; by nothing
    more when it is not `open` any longer. Blocks of headers are as `hpack.write` makes them.

    `began`: monotonic seconds. `received`: bytes of the body so far; `whole`: it has ended. `state`: its route's.
    `credit`: bytes that the client may send, `window`: that it is ready to take. `pending`: what it has to be ready for
    first; `tail`: the block that follows, once there is one.
    """

    __slots__ = (
        "_paused",
        "began",
        "connection",
        "credit",
        "head",
        "number",
        "open",
        "pending",
        "received",
        "state",
        "tail",
        "whole",
        "window",
    )

    def __init__(self, connection: Connection, number: int, head: Head, credit: int, window: int, began: float) -> None:
        self.connection = connection
        self.number = number
        self.head = head
        self.credit = credit
        self.window = window
        self.began = began
        self.open = True
        self.whole = False
        self.received = 0
        self.state: Any = None
        self.pending: deque[memoryview] | None = None
        self.tail: bytes | None = None
        self._paused = False

    def answer(self, block: bytes, body: bytes, trailers: bytes) -> None:
        """Give the whole answer."""
        if not self.open:
            return
        outbox, size, number = self.connection.outbox, len(body), self.number
        if size > self.window or size > outbox.window or size > outbox.most:
            self.begin(block)
            self.send(body)
            self.finish(trailers)
            return
        outbox.window -= size
        outbox.send(
            b"".join(
                (
                    write_head(len(block) << 8 | HEADERS, END_HEADERS, number),
                    block,
                    write_head(size << 8, 0, number),
                    body,
                    write_head(len(trailers) << 8 | HEADERS, _LAST, number),
                    trailers,
                )
            )
        )
        self._end()

    def refuse(self, block: bytes) -> None:
        """Answer without a body."""
        if self.open:
            self._block(block, _LAST)
            self._end()

    def begin(self, block: bytes) -> None:
        """Begin an answer in parts."""
        if self.open:
            self._block(block, END_HEADERS)

    def send(self, data: bytes) -> None:
        """Send a part, now or when the client is ready for it."""
        outbox, size = self.connection.outbox, len(data)
        if not self.open or not size:
            return
        if self.pending is None and size <= self.window and size <= outbox.window and size <= outbox.most:
            outbox.window -= size
            self.window -= size
            outbox.answers += 1
            outbox.send(write_head(size << 8, 0, self.number) + data)
        else:
            outbox.hold(self, data)

    def finish(self, trailers: bytes) -> None:
        """End an answer in parts."""
        if not self.open or self.tail is not None:
            return
        if self.pending is not None:
            self.tail = trailers
        else:
            self._block(trailers, _LAST)
            self._end()

    @property
    def finished(self) -> bool:
        """Whether everything is said, though the client may not have taken it."""
        return not self.open or self.tail is not None

    def pause(self) -> None:
        """Read no more of the body than has been promised already."""
        self._paused = True

    def resume(self) -> None:
        """Go on reading."""
        if self._paused:
            self._paused = False
            self.refill(self.connection.intake.window)

    def refill(self, window: int) -> None:
        """Let the client send up to `window` bytes again, when half of them have come."""
        if self.open and not self.whole and not self._paused and self.credit < window >> 1:
            more = window - self.credit
            self.credit += more
            self.connection.outbox.send(frames.window_update(self.number, more))

    def _end(self) -> None:
        connection = self.connection
        self.open = False
        # Who answers holds the stream, and the stream who answers: a circle that only the collector would free.
        self.state = None
        connection.outbox.answers += 1
        if not self.whole:
            connection.outbox.send(frames.reset(self.number, Code.NO_ERROR))
            connection.intake.forgive(self.number)
        connection.forget(self)

    def _block(self, block: bytes, flags: int) -> None:
        self.connection.outbox.send(write_head(len(block) << 8 | HEADERS, flags, self.number) + block)
