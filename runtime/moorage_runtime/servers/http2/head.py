"""The head of one request."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from moorage_runtime.servers.http2.hpack import FIELD_BYTES, Field

if TYPE_CHECKING:
    from moorage_runtime.servers.http2.app import Route

_NAME = re.compile(rb":?[!#$%&'*+\-.^_`|~0-9a-z]+\Z").match
_VALUE = re.compile(rb"(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?\Z").match
_LENGTH = re.compile(rb"[0-9]{1,15}\Z").match
_NEEDED = (b":method", b":scheme", b":path")
_PSEUDO = frozenset((*_NEEDED, b":authority"))
# What names a connection of HTTP/1.1 has no meaning here.
_HOPS = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"})


class Malformed(Exception):
    """The fields are no head of a request."""


class Head:
    """One request's head. `headers`: lower-case names, pseudo-headers not among them; repeated ones are joined by a
    comma. `size`: bytes of the fields, as HTTP/2 counts them. `length`: the declared bytes of the body, or None.
    `route`: what answers. `facts`: for the application, what it derived from this head.
    """

    __slots__ = ("facts", "headers", "length", "method", "path", "route", "size")

    route: Route

    def __init__(self, method: bytes, path: bytes, headers: dict[bytes, bytes], size: int) -> None:
        self.method = method
        self.path = path
        self.headers = headers
        self.size = size
        self.facts: object = None
        length = headers.get(b"content-length")
        if length is not None and not _LENGTH(length):
            raise Malformed("content-length is no number")
        self.length = None if length is None else int(length)

    def variant(self, fields: Iterable[Field]) -> Head:
        """This head with further fields, which say nothing about the route. Raises `Malformed`."""
        headers = self.headers.copy()
        size = self.size + _collect(fields, {}, headers)
        head = Head(self.method, self.path, headers, size)
        head.route = self.route
        return head


def read(fields: Iterable[Field]) -> Head:
    """The head that these fields are. Raises `Malformed`."""
    pseudo: dict[bytes, bytes] = {}
    headers: dict[bytes, bytes] = {}
    size = _collect(fields, pseudo, headers)
    if not _PSEUDO.issuperset(pseudo) or not all(map(pseudo.get, _NEEDED)):
        raise Malformed("a request needs :method, :scheme and :path")
    return Head(pseudo[b":method"], pseudo[b":path"], headers, size)


def check_trailers(fields: Iterable[Field]) -> None:
    """Look at what comes behind a body. Raises `Malformed`."""
    pseudo: dict[bytes, bytes] = {}
    _collect(fields, pseudo, {})
    if pseudo:
        raise Malformed("pseudo-headers behind a body")


def _collect(fields: Iterable[Field], pseudo: dict[bytes, bytes], headers: dict[bytes, bytes]) -> int:
    """Sort the fields; gives their size. Raises `Malformed`."""
    size = 0
    for name, value in fields:
        size += len(name) + len(value) + FIELD_BYTES
        if not _NAME(name) or not _VALUE(value) or name in _HOPS or (name == b"te" and value != b"trailers"):
            raise Malformed("a field is not allowed here")
        if name.startswith(b":"):
            if headers or name in pseudo:
                raise Malformed("a pseudo-header is out of place")
            pseudo[name] = value
        elif name not in headers:
            headers[name] = value
        elif name == b"content-length":
            raise Malformed("content-length is there twice")
        else:
            headers[name] += b"," + value
    return size
