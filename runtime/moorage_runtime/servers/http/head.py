"""The head of one request."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from moorage_runtime.servers.http.app import Route

_SANE_ID = re.compile(rb"[A-Za-z0-9._:/+=@,-]{1,128}\Z").match


class Head:
    """One request's head. `path` is raw, without the query; `headers` have lower-case names, repeated ones are joined.

    `length`: declared bytes of the body, None when not declared. `request_id`: the client's own, when it is sane.
    `old`: HTTP/1.0. `coding`: of the body, None for identity. `expects`: the client waits for `100 Continue`.
    `aligned`: set by the application, where in a large body something begins that should lie at a multiple of 16.
    `facts`: for the application, what it derived from this head; lives as long as the head is remembered.
    `route`: what answers. `simple`: admitted, and nothing but its body's length tells where it ends.
    """

    __slots__ = (
        "aligned",
        "chunked",
        "coding",
        "expects",
        "facts",
        "headers",
        "keep_alive",
        "length",
        "method",
        "old",
        "path",
        "query",
        "request_id",
        "route",
        "simple",
    )

    route: Route

    def __init__(
        self, method: bytes, path: bytes, query: bytes, headers: dict[bytes, bytes], *, old: bool = False
    ) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.old = old
        self.keep_alive = _keeps(headers.get(b"connection", b""), old)
        self.chunked = b"transfer-encoding" in headers
        length = headers.get(b"content-length")
        self.length = None if length is None else int(length)
        coding = headers.get(b"content-encoding", b"identity").lower()
        self.coding = None if coding == b"identity" else coding
        self.expects = b"expect" in headers and not old
        self.request_id = _sane(headers)
        self.facts: object = None
        self.aligned = 0
        self.simple = False

    def variant(self, names: Sequence[bytes], values: Sequence[bytes]) -> Head:
        """This head with further header lines, which say nothing about the body, the connection or the route."""
        headers = self.headers.copy()
        for name, value in zip(names, values, strict=True):
            lower, plain = name.lower(), value.strip(b" ")
            headers[lower] = headers[lower] + b", " + plain if lower in headers else plain
        head = Head(self.method, self.path, self.query, headers, old=self.old)
        head.aligned = self.aligned
        head.facts = self.facts
        head.simple = self.simple
        head.route = self.route
        return head


def _sane(headers: dict[bytes, bytes]) -> bytes | None:
    given = headers.get(b"x-request-id")
    return given if given is not None and _SANE_ID(given) else None


def _keeps(connection: bytes, old: bool) -> bool:
    if not connection:
        return not old
    options = [option.strip() for option in connection.lower().split(b",")]
    return b"close" not in options and (not old or b"keep-alive" in options)


def nothing() -> Head:
    """The head of what was no HTTP."""
    return Head(b"", b"", b"", {b"connection": b"close"})
