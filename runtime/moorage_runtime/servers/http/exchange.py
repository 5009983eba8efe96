"""One request and its answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from moorage_runtime.servers.http.answers import JSON, lines

if TYPE_CHECKING:
    from moorage_runtime.servers.http.connection import Connection
    from moorage_runtime.servers.http.head import Head

Body = bytes | bytearray | memoryview


class Exchange:
    """One whole request, to be answered exactly once, in the loop's thread.

    `began`: when its head was whole (monotonic seconds). `gone`: the client left before its answer; `on_gone` is called
    then. Answers to a client that left are dropped.
    """

    __slots__ = ("_connection", "_held", "began", "body", "gone", "head", "on_gone", "request_id")

    def __init__(self, connection: Connection, head: Head, body: Body, request_id: bytes, began: float) -> None:
        self._connection = connection
        self._held: bytes | None = None
        self.head = head
        self.body = body
        self.request_id = request_id
        self.began = began
        self.gone = False
        self.on_gone: Callable[[], None] | None = None

    def answer(
        self, status: int, body: bytes, content_type: bytes = JSON, headers: Sequence[tuple[bytes, bytes]] = ()
    ) -> None:
        """Give the whole answer. Pipelined answers leave in the order of their requests."""
        self._connection.answered(self, status, body, content_type, lines(headers) if headers else b"")

    def stream(self, status: int, content_type: bytes, headers: Sequence[tuple[bytes, bytes]] = ()) -> Stream:
        """Begin an answer in parts."""
        return self._connection.streaming(self, status, content_type, lines(headers))


class Stream:
    """An answer in parts, chunked."""

    __slots__ = ("_connection", "_exchange")

    def __init__(self, connection: Connection, exchange: Exchange) -> None:
        self._connection = connection
        self._exchange = exchange

    async def write(self, part: bytes) -> None:
        """Send one part; waits while the client reads slower than parts come."""
        if part and not self._exchange.gone:
            self._connection.send(b"%x\r\n%b\r\n" % (len(part), part))
            await self._connection.writable()

    def close(self) -> None:
        """End the answer."""
        self._connection.streamed(self._exchange)
