"""Answers as bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from moorage_runtime.servers.http.exchange import Exchange

Headers = Sequence[tuple[bytes, bytes]]


class Parts:
    """A body in parts, which nobody needs to put together. Its length is in bytes."""

    __slots__ = ("_length", "parts")

    def __init__(self, parts: Sequence[bytes]) -> None:
        self.parts = parts
        self._length = sum(map(len, parts))

    def __len__(self) -> int:
        return self._length


Content = bytes | Parts
# Status, body, content type, further header lines.
Answer = tuple[int, Content, bytes, bytes]
JSON = b"application/json"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
CLOSE = b"connection: close\r\n"
KEEP = b"connection: keep-alive\r\n"
_PHRASES = {499: "Client Closed Request"} | {status.value: status.phrase for status in HTTPStatus}
_BODILESS = (204, 304)
# A longer body is not copied behind its head.
APART_BYTES = 32 << 10
_STARTS = 256


def spoken_by(content_type: bytes, identity: bytes) -> bytes:
    """The content type of an answer that another server gave, with the header lines that say which."""
    return content_type + b"\r\n" + identity.removesuffix(b"\r\n")


def lines(headers: Headers) -> bytes:
    """Header lines, each ended."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


class Answers:
    """Composes heads of answers; what repeats is composed once. `identity`: headers of every answer."""

    __slots__ = ("_identity", "_starts")

    def __init__(self, identity: Headers) -> None:
        self._identity = lines(identity)
        self._starts: dict[tuple[int, bytes], bytes] = {}

    def write(self, transport: asyncio.Transport, exchange: Exchange, answer: Answer, connection: bytes) -> None:
        """Write a whole answer; `connection`: a header line about the connection, or nothing.

        What fails, fails before anything is written.
        """
        status, content, content_type, extra = answer
        start = self._starts.get((status, content_type)) or self._start(status, content_type)
        length = len(content)
        if status in _BODILESS:
            transport.write(b"%bx-request-id: %b\r\n%b%b\r\n" % (start, exchange.request_id, extra, connection))
            return
        silent = exchange.head.method == b"HEAD"
        body = b"" if silent or length > APART_BYTES or isinstance(content, Parts) else content
        transport.write(
            b"%bcontent-length: %d\r\nx-request-id: %b\r\n%b%b\r\n%b"
            % (start, length, exchange.request_id, extra, connection, body)
        )
        if silent or body is content:
            return
        if isinstance(content, Parts):
            transport.writelines(content.parts)
        else:
            transport.write(content)

    def opening(self, exchange: Exchange, answer: Answer, connection: bytes) -> bytes:
        """The head of an answer whose length nobody knows yet."""
        status, _, content_type, extra = answer
        start = self._start(status, content_type)
        framing = b"" if exchange.head.old else b"transfer-encoding: chunked\r\n"
        return b"%b%bx-request-id: %b\r\n%b%b\r\n" % (start, framing, exchange.request_id, extra, connection)

    def _start(self, status: int, content_type: bytes) -> bytes:
        phrase = _PHRASES.get(status, "Unknown").encode()
        identity = b"" if b"\r\n" in content_type else self._identity
        start = b"HTTP/1.1 %d %b\r\n%bcontent-type: %b\r\n" % (status, phrase, identity, content_type)
        if len(self._starts) >= _STARTS:
            self._starts.clear()
        self._starts[status, content_type] = start
        return start
