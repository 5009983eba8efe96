"""Reading heads, strictly: what two servers could read differently is refused, whoever is right.

httptools (llhttp) checks names, values, line ends and lengths; what it lets pass is checked here. Every fault ends the
connection, for nobody knows where the next request would begin.
"""

from __future__ import annotations

import re

import httptools

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http.head import Head
from moorage_runtime.servers.http.limits import Limits

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
_LINE = re.compile(rb"(" + _TOKEN + rb"{1,32}) ([!-~]+) HTTP/(\d\.\d)\r\n").match
_NO_LINE = re.compile(rb"(?!" + _TOKEN + rb"{1,32}(?: |\Z))").match
_BARE = re.compile(rb"(?<!\r)\n|\x00").search
_HOST = re.compile(rb"[^\s,/@?#\\]*\Z").match
_ABSOLUTE = re.compile(rb"https?://[^/?#]+", re.IGNORECASE).match
_ONCE = (b"content-length", b"transfer-encoding", b"host", b"expect")
_END = b"\r\n\r\n"


class _Fields:
    """Collects what httptools calls out."""

    __slots__ = ("headers",)

    def __init__(self) -> None:
        self.headers: dict[bytes, bytes] = {}

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name not in self.headers:
            self.headers[name] = value.rstrip(b" \t")
        elif name in _ONCE:
            raise _malformed(f"{name.decode()} is there twice")
        else:
            self.headers[name] += b", " + value.rstrip(b" \t")


def parse(raw: bytes, limits: Limits) -> Head:
    """The head in `raw`, which ends with its empty line. Raises `RequestFault` 400, 414 or 431."""
    if len(raw) > limits.head_bytes:
        raise _too_large(raw, limits)
    line = _LINE(raw)
    if line is None:
        raise _malformed("the request line is malformed")
    method, target, version = line.groups()
    if len(target) > limits.line_bytes:
        raise _too_large(raw, limits)
    if version not in (b"1.1", b"1.0"):
        raise _malformed("this server speaks HTTP/1.1")
    if raw.count(b"\r\n") > limits.headers + 2:
        raise RequestFault(431, "HeadTooLarge", f"the request has more than {limits.headers} header lines")
    headers = _headers(b"GET /" + raw[line.end(2) :])
    old = version == b"1.0"
    _check(headers, old)
    path, _, query = _origin(method, target).partition(b"?")
    return Head(method, path, query, headers, old=old)


def hopeless(part: bytes, limits: Limits) -> RequestFault | None:
    """Why no head can begin with `part`, which holds no empty line; None while one can."""
    if len(part) > limits.head_bytes or (len(part) > limits.line_bytes and b"\r\n" not in part):
        return _too_large(part, limits)
    if (_NO_LINE(part) and part != b"\r") or _BARE(part):
        return _malformed("this is no HTTP/1.1 request")
    return None


def _headers(raw: bytes) -> dict[bytes, bytes]:
    # Method and target were read from the line: llhttp knows only the methods that it knows.
    fields = _Fields()
    try:
        httptools.HttpRequestParser(fields).feed_data(raw)
    except httptools.HttpParserUpgrade:
        pass  # An offer; we go on in HTTP/1.1.
    except httptools.HttpParserCallbackError as error:
        if isinstance(error.__context__, RequestFault):
            raise error.__context__ from None
        raise
    except httptools.HttpParserError as error:
        raise _malformed(str(error)) from None
    return fields.headers


def _check(headers: dict[bytes, bytes], old: bool) -> None:
    coding = headers.get(b"transfer-encoding")
    if coding is not None and (coding.lower() != b"chunked" or old):
        raise _malformed("the only transfer-encoding here is chunked, of HTTP/1.1")
    host = headers.get(b"host")
    if (host is None and not old) or not _HOST(host or b""):
        raise _malformed("a request needs one valid host")


def _origin(method: bytes, target: bytes) -> bytes:
    """The path and query of a target, in whichever form it came."""
    if b"#" not in target:
        if target.startswith(b"/") or (target == b"*" and method == b"OPTIONS"):
            return target
        if method == b"CONNECT":
            raise RequestFault(405, "MethodNotAllowed", "this server is no proxy")
        absolute = _ABSOLUTE(target)
        if absolute:
            rest = target[absolute.end() :]
            return rest if rest.startswith(b"/") else b"/" + rest
    raise _malformed("the request's target is malformed")


def _too_large(part: bytes, limits: Limits) -> RequestFault:
    if b"\r\n" not in part[: limits.line_bytes]:
        return RequestFault(414, "TargetTooLong", f"the request line is longer than {limits.line_bytes} bytes")
    return RequestFault(431, "HeadTooLarge", f"the request's head is larger than {limits.head_bytes} bytes")


def _malformed(message: str) -> RequestFault:
    return RequestFault(400, "InvalidRequest", message)
