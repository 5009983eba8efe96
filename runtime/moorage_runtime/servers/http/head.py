"""The head of one request, read strictly: what two servers could read differently is refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httptools

from moorage_runtime.errors import RequestFault

if TYPE_CHECKING:
    from moorage_runtime.servers.http.app import Route

_SANE_ID = re.compile(rb"[A-Za-z0-9._:/+=@,-]{1,128}\Z").match


class Head:
    """One request's head. `path` is raw, without the query; `headers` have lower-case names, repeated ones joined.

    `length`: declared bytes of the body, None when not declared. `request_id`: the client's own, when it is sane.
    `route` and `facts` live as long as the head is remembered: what the application found, what a door derived.
    """

    __slots__ = (
        "chunked",
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
    )

    route: Route
    facts: object

    def __init__(
        self, method: bytes, target: bytes, headers: dict[bytes, bytes], *, old: bool, keep_alive: bool
    ) -> None:
        self.method = method
        self.path, _, self.query = target.partition(b"?")
        self.headers = headers
        self.old = old
        self.keep_alive = keep_alive
        self.chunked = b"transfer-encoding" in headers
        length = headers.get(b"content-length")
        self.length = None if length is None else int(length)
        given = headers.get(b"x-request-id", b"")
        self.request_id = given if _SANE_ID(given) else None
        self.facts = None


class _Fields:
    """Collects what httptools calls out."""

    def __init__(self) -> None:
        self.target = b""
        self.headers: dict[bytes, bytes] = {}

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        before = self.headers.get(name)
        self.headers[name] = value if before is None else before + b", " + value


def parse(raw: bytes) -> Head:
    """The head in `raw`, which ends with its empty line. Raises `RequestFault` 400."""
    fields = _Fields()
    parser = httptools.HttpRequestParser(fields)
    try:
        parser.feed_data(raw)
        old = parser.get_http_version() == "1.0"
        keep = parser.should_keep_alive()
        return Head(parser.get_method(), fields.target, fields.headers, old=old, keep_alive=keep)
    except (httptools.HttpParserError, ValueError) as error:
        raise RequestFault(400, "InvalidRequest", "this is no HTTP/1.1 request") from error
