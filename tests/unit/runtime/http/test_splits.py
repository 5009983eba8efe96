"""How the network cuts a stream of bytes into reads changes nothing."""

from __future__ import annotations

import itertools
import re
import zlib

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.runtime.http.test_heads import MALFORMED
from tests.unit.runtime.http.wire import Wire, request

_IDS = re.compile(rb"[0-9a-f]{16}")

bodies = st.one_of(st.binary(max_size=40), st.integers(0, 300_000).map(lambda size: bytes(size)))


@st.composite
def chunked(draw: st.DrawFn) -> bytes:
    chunks = draw(st.lists(st.binary(min_size=1, max_size=50), max_size=5))
    framed = b"".join(
        b"%x%b\r\n%b\r\n" % (len(chunk), draw(st.sampled_from([b"", b";a", b' ;a="b"'])), chunk) for chunk in chunks
    )
    trailers = draw(st.sampled_from([b"", b"x: 1\r\n", b"x: 1\r\ny:\r\n"]))
    path = draw(st.sampled_from([b"/echo", b"/need", b"/none"]))
    return b"POST %b HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n%b0\r\n%b\r\n" % (path, framed, trailers)


@st.composite
def sized(draw: st.DrawFn) -> bytes:
    lines = draw(
        st.lists(
            st.sampled_from(["a: b", "x-request-id: mine", "traceparent: 1", "B3: 2 ", "upgrade: h2c"]), max_size=3
        )
    )
    path = draw(st.sampled_from(["/echo", "/need", "/none", "/fail", "/refuse"]))
    return request(path, draw(bodies), *lines)


@st.composite
def packed(draw: st.DrawFn) -> bytes:
    body = zlib.compress(draw(bodies))
    return request("/echo", body, "content-encoding: deflate")


plain = st.sampled_from([request(), request(method="HEAD"), request("/none"), b"\r\n" + request(), b"\r\n\r\n"])
last = st.sampled_from([b"", request("/echo", b"last", "connection: close") + request(), *MALFORMED])


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    parts = draw(st.lists(st.one_of(plain, sized(), chunked(), packed()), max_size=6))
    return b"".join(parts) + draw(last)


def told(*parts: bytes) -> tuple[bytes, bool, int, int]:
    """What the client reads, whether it is the end, and what is left behind."""
    wire = Wire().send(*parts)
    return _IDS.sub(b"", bytes(wire.out)), wire.ended, wire.traffic.in_flight, wire.service.bodies


@settings(max_examples=300, deadline=None)
@given(data=streams(), cuts=st.lists(st.floats(0, 1), max_size=12))
def test_the_answers_are_the_same_however_the_bytes_are_cut(data: bytes, cuts: list[float]) -> None:
    places = sorted({int(cut * len(data)) for cut in cuts} | {0, len(data)})
    parts = [data[start:end] for start, end in itertools.pairwise(places) if end > start]
    assert told(*parts) == told(data)


@settings(max_examples=60, deadline=None)
@given(data=streams().filter(lambda data: len(data) < 3000))
def test_the_answers_are_the_same_byte_by_byte(data: bytes) -> None:
    assert told(*[bytes([byte]) for byte in data]) == told(data)
