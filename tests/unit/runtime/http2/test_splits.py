"""How the network cuts a stream of bytes into reads changes nothing."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.runtime.http2.test_frames import BROKEN, FATAL, MALFORMED
from tests.unit.runtime.http2.wire import START, Wire

from moorage_runtime.servers.http2 import frames, hpack
from moorage_runtime.servers.http2.faults import Code
from moorage_runtime.servers.http2.frames import CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, frame

_HEAD = ((b":method", b"POST"), (b":scheme", b"http"))
paths = st.sampled_from([b"/echo", b"/talk", b"/refuse", b"/fail", b"/later"])
bodies = st.binary(max_size=60) | st.integers(0, 40_000).map(bytes)
fields = st.sampled_from([(), ((b"x-a", b"b"),), ((b"content-length", b"3"),), *MALFORMED.values()])


@st.composite
def calls(draw: st.DrawFn) -> list[bytes]:
    """The frames of a few calls, one after the other."""
    sent = []
    for number in range(1, 2 * draw(st.integers(0, 6)) + 1, 2):
        block = hpack.write((*_HEAD, (b":path", draw(paths)), *draw(fields)))
        cut = draw(st.integers(0, len(block)))
        if draw(st.booleans()):
            sent += [frame(HEADERS, END_HEADERS, number, block)]
        else:
            sent += [frame(HEADERS, 0, number, block[:cut]), frame(CONTINUATION, END_HEADERS, number, block[cut:])]
        for body in draw(st.lists(bodies, max_size=3)):
            sent += [frame(DATA, 0, number, body[at : at + 16_000]) for at in range(0, len(body), 16_000)]
        sent.append(draw(st.sampled_from([frame(DATA, END_STREAM, number, b"end"), frames.reset(number, Code.CANCEL)])))
        sent += draw(st.sampled_from([[], [frame(PING, content=b"mooring!")], [frames.window_update(0, 5000)]]))
    return sent


lasts = st.sampled_from([b"", *(sent for sent, _ in BROKEN.values()), *(sent for sent, _ in FATAL.values())])


def told(*parts: bytes) -> tuple[bytes, bool, int]:
    """What the client reads, whether it is the end, and what is left behind."""
    wire = Wire(greeted=False).send(*parts)
    return bytes(wire.pipe.out), wire.pipe.eof, wire.service.streams


@settings(max_examples=300, deadline=None)
@given(sent=calls(), last=lasts, cuts=st.lists(st.floats(0, 1), max_size=12))
def test_the_answers_are_the_same_however_the_bytes_are_cut(sent: list[bytes], last: bytes, cuts: list[float]) -> None:
    data = START + b"".join(sent) + last.removeprefix(START)
    places = sorted({int(cut * len(data)) for cut in cuts} | {0, len(data)})
    parts = [data[start:end] for start, end in itertools.pairwise(places) if end > start]
    assert told(*parts) == told(data)


@settings(max_examples=40, deadline=None)
@given(sent=calls().filter(lambda sent: sum(map(len, sent)) < 3000), last=lasts)
def test_the_answers_are_the_same_byte_by_byte(sent: list[bytes], last: bytes) -> None:
    data = START + b"".join(sent) + last.removeprefix(START)
    assert told(*[bytes([byte]) for byte in data]) == told(data)
