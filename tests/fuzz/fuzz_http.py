"""The HTTP transport: whatever comes, every answer is HTTP, nothing of ours fails, and nothing is left behind."""

from __future__ import annotations

import gzip
import itertools

from tests.unit.runtime.http.test_heads import MALFORMED
from tests.unit.runtime.http.wire import Wire, request

from moorage_runtime.servers.http.limits import Limits

_CHUNKED = b"POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"

SEEDS = (
    request() * 3,
    request("/echo", b"abc") + request("/later") + request("/later") + request(method="HEAD"),
    _CHUNKED + b"3\r\nabc\r\n0\r\nx: 1\r\n\r\n" + request(),
    _CHUNKED.replace(b"/echo", b"/none") + b"3;a=b\r\nabc\r\n0\r\n\r\n" + request(),
    request("/echo", gzip.compress(b"abc" * 50, mtime=0), "content-encoding: gzip") + request(),
    request("/need", b"x" * 1000, "expect: 100-continue") + request("/need", b"x" * 1001),
    request("/echo", b"x" * 70_000) + request("/refuse", b"x"),
    b"GET http://a/echo?q HTTP/1.0\r\nconnection: keep-alive\r\n\r\n" + request("/echo", b"", "connection: close"),
    request("/echo", b"abc", "traceparent: 1", "x-request-id: one") + request("/echo", b"abc", "traceparent: 2"),
    b"content-length: 5\r\n",
    b"content-length: 18446744073709551615\r\n",
    b"transfer-encoding: chunked\r\n",
    b"transfer-encoding: identity\r\n",
    b"expect: 100-continue\r\n",
    b"connection: upgrade\r\nupgrade: h2c",
    b"content-encoding: deflate\r\n",
    b"\r\n\r\n0\r\n\r\n",
    *MALFORMED,
)

_LIMITS = Limits(pipelined=4, discard_bytes=500, linger_bytes=5000, bodies_bytes=100_000, remembered=8)


def one(data: bytes) -> None:
    """One stream of bytes; its length and first bytes choose how it is cut, and when the answers of ours come."""
    whole, cut = _run(data, 0), _run(data, len(data) % 7 + 1)
    assert whole == cut, "the answers depend on how the bytes are cut"


def _run(data: bytes, cuts: int) -> list[tuple[int, bytes]]:
    wire = Wire(limits=_LIMITS)
    places = [0, *(len(data) * (number + 1) // (cuts + 1) for number in range(cuts)), len(data)]
    for start, end in itertools.pairwise(places):
        wire.send(data[start:end])
    while wire.shop.later:
        wire.shop.later.pop(0).answer(200, b"later")
        wire.loop.turn()
    told = [(each.status, each.body if each.status == 200 else b"") for each in wire.told]
    assert all(200 <= status < 500 or status == 503 for status, _ in told)
    wire.hang_up()
    wire.wait(20)
    assert wire.traffic.in_flight == 0
    assert wire.service.bodies == 0
    assert wire.closed
    return told
