"""Answers as bytes."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

Headers = Sequence[tuple[bytes, bytes]]
JSON = b"application/json"
_PHRASES = {499: "Client Closed Request"} | {status.value: status.phrase for status in HTTPStatus}


def lines(headers: Headers) -> bytes:
    """Header lines, each ended."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


class Answers:
    """Composes heads of answers; what repeats is composed once. `identity`: headers of every answer."""

    def __init__(self, identity: Headers) -> None:
        self._identity = lines(identity)
        self._starts: dict[tuple[int, bytes], bytes] = {}

    def start(self, status: int, content_type: bytes) -> bytes:
        """The first lines of an answer: its status, the identity, and the type of its content."""
        known = self._starts.get((status, content_type))
        if known is None:
            phrase = _PHRASES.get(status, "Unknown").encode()
            known = b"HTTP/1.1 %d %b\r\n%bcontent-type: %b\r\n" % (status, phrase, self._identity, content_type)
            self._starts[status, content_type] = known
        return known
