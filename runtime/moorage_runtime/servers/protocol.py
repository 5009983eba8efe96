"""HTTP/1.1 on one connection: uvicorn's httptools protocol, with the bounds that it lacks.

The head of a request may have 64 KiB (and what one read brings beyond), and must be whole within a minute; a client
that opens a connection says something within a minute too. What is no HTTP gets the same JSON and the same headers as
every other answer.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from moorage_runtime.servers import answer

HEAD_BYTES = 64 << 10
HEAD_SECONDS = 60.0


class BoundedProtocol(HttpToolsProtocol):
    """One connection. `server_state.default_headers` is what every answer of the listener carries."""

    _pending = True
    _bytes = 0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start waiting for the first head."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(HEAD_SECONDS, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_timer()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A head begins."""
        self._pending, self._bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._pending = False
        self._stop_timer()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Parse; a head that stays unfinished is counted and timed."""
        super().data_received(data)
        if self._pending and not self.transport.is_closing():
            self._bytes += len(data)
            if self._bytes > HEAD_BYTES:
                self._refuse(431, "the head of the request is too large")
            elif self._timer is None:
                self._timer = self.loop.call_later(HEAD_SECONDS, self.timeout_keep_alive_handler)

    def send_400_response(self, msg: str) -> None:
        """What uvicorn calls for what is no HTTP."""
        self._refuse(400, msg)

    def _refuse(self, status: int, message: str) -> None:
        headers = [*self.server_state.default_headers, (b"x-request-id", answer.new_id()), (b"connection", b"close")]
        content = answer.error(message)
        answer.complete(headers, content)
        head = b"".join(b"%s: %s\r\n" % header for header in headers)
        self.transport.write(b"%s%s\r\n%s" % (STATUS_LINE[status], head, content))
        self.transport.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
