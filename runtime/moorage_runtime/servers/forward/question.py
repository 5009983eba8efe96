"""A client's request as it goes on to another revision."""

from __future__ import annotations

from moorage_runtime.servers.http.head import Head
from moorage_runtime.servers.rest.faults import HOP
from moorage_runtime.servers.rest.terms import BINARY_HEADER

_PASSED = (
    b"content-type",
    BINARY_HEADER,
    b"accept",
    b"authorization",
    b"x-api-key",
    b"cache-control",
    b"traceparent",
    b"tracestate",
)


def compose(
    address: bytes, head: Head, length: int, request_id: bytes, left: float, trace: list[tuple[bytes, bytes]]
) -> bytes:
    """The head of the request that goes on, with the empty line behind it.

    `length`: of the body, without compression; `left`: seconds its client waits; `trace`: instead of the client's.
    """
    headers = head.headers
    told = [(name, headers[name]) for name in _PASSED if name in headers]
    if trace:
        told = [header for header in told if header[0] not in (b"traceparent", b"tracestate")] + trace
    query = b"?" + head.query if head.query else b""
    method = b"GET" if head.method == b"HEAD" else head.method
    lines = b"".join([b"%b: %b\r\n" % header for header in told])
    own = b"content-length: %d\r\n%b: 1\r\nx-request-id: %b\r\nx-request-timeout: %.3f\r\n" % (
        length,
        HOP,
        request_id,
        max(left, 0.001),
    )
    return b"%b %b%b HTTP/1.1\r\nhost: %b\r\n%b%b\r\n" % (method, head.path, query, address, own, lines)
