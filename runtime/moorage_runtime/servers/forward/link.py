"""One kept connection to another revision. One request at a time: a slow answer must not stand before a quick one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import httptools

from moorage_runtime.servers.forward.errand import Errand

if TYPE_CHECKING:
    from moorage_runtime.servers.forward.pool import Pool

HEAD_BYTES = 64 << 10
BODY_BYTES = 256 << 20
LOST, MALFORMED, TOO_LARGE = "ConnectionLost", "AnswerMalformed", "AnswerTooLarge"
# A longer body is not copied behind its head.
_APART_BYTES = 32 << 10


class Link(asyncio.Protocol):
    """Sends errands and reads their answers. `born`: seconds of the pool's clock. `used`: it has brought an answer."""

    __slots__ = (
        "_body",
        "_done",
        "_errand",
        "_headers",
        "_in_body",
        "_keeps",
        "_parser",
        "_pool",
        "_received",
        "_transport",
        "born",
        "used",
    )

    def __init__(self, pool: Pool, born: float) -> None:
        self._pool = pool
        self._transport: asyncio.Transport | None = None
        self._errand: Errand | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[bytes, bytes] = {}
        self.born = born
        self.used = False
        self._begin()

    @property
    def open(self) -> bool:
        """Whether an errand may be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, errand: Errand) -> None:
        """Send an errand; the one before has ended."""
        transport = self._transport
        assert transport is not None  # noqa: S101 - the pool gives out only links that are made
        self._errand = errand
        errand.link = self
        if self.used:
            self._begin()
        if len(errand.body) > _APART_BYTES:
            transport.write(errand.head)
            transport.write(errand.body)
        else:
            transport.write(errand.head + bytes(errand.body))

    def drop(self) -> None:
        """End the connection, and tell nobody."""
        self._errand = None
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The other side is there."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """A part of an answer, or bytes that nobody asked for."""
        if self._errand is None:
            self.drop()
            return
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(MALFORMED)
            return
        if self._done:
            self._finish()
        elif self._received > (BODY_BYTES if self._in_body else HEAD_BYTES):
            self._fail(TOO_LARGE)

    def connection_lost(self, _exc: Exception | None) -> None:
        """The other side has gone, or was left."""
        self._pool.forget(self)
        errand, self._errand = self._errand, None
        if errand is None or errand.over:
            return
        errand.link = None
        if self.used and not self._received:
            # It went away while it was idle, just as this request was sent: it has not seen it.
            self._pool.again(errand)
        else:
            errand.broke(LOST)

    def on_header(self, name: bytes, value: bytes) -> None:
        """For the parser."""
        name = name.lower()
        known = self._headers.get(name)
        self._headers[name] = value if known is None else known + b", " + value

    def on_headers_complete(self) -> None:
        """For the parser."""
        self._in_body = True

    def on_body(self, part: bytes) -> None:
        """For the parser."""
        self._body.append(part)

    def on_message_begin(self) -> None:
        """For the parser: more than the one answer is none."""
        if self._done:
            raise httptools.HttpParserError("an answer that nobody asked for")

    def on_message_complete(self) -> None:
        """For the parser; an interim answer is not yet the one."""
        if self._parser.get_status_code() >= 200:
            self._done = True
            # Asked later, the parser would speak of an answer that has not begun.
            self._keeps = self._parser.should_keep_alive()
        else:
            self._headers = {}
            self._in_body = False

    def _begin(self) -> None:
        self._headers = {}
        self._body: list[bytes] = []
        self._received = 0
        self._in_body = self._done = self._keeps = False

    def _finish(self) -> None:
        errand, self._errand = self._errand, None
        parser, transport = self._parser, self._transport
        self.used = True
        # Who answers before it has read all is not going to read the rest as a body.
        if transport is not None and self._keeps and not transport.get_write_buffer_size():
            self._pool.release(self)
        elif transport is not None:
            transport.close()
        if errand is not None and not errand.over:
            errand.link = None
            body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
            errand.answered(parser.get_status_code(), self._headers, body)

    def _fail(self, reason: str) -> None:
        errand = self._errand
        self.drop()
        if errand is not None and not errand.over:
            errand.link = None
            errand.broke(reason)
