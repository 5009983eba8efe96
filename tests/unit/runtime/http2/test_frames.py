"""What each frame does, and what it may not be."""

from __future__ import annotations

import pytest
from tests.unit.runtime.http2.wire import START, Wire

from moorage_runtime.servers.http2 import frames, hpack
from moorage_runtime.servers.http2.faults import Code
from moorage_runtime.servers.http2.frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PADDED,
    PING,
    PREFACE,
    PRIORITISED,
    PRIORITY,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    frame,
)

BLOCK = hpack.write(((b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/echo")))
LATER = hpack.write(((b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/later")))
OPEN = frame(HEADERS, END_HEADERS, 1, BLOCK)
WHOLE = frame(HEADERS, END_HEADERS | END_STREAM, 1, LATER)
DONE = frame(HEADERS, END_HEADERS | END_STREAM, 1, BLOCK)


def setting(name: int, value: int) -> bytes:
    return frames.settings({name: value})


def window(stream: int, count: int) -> bytes:
    return frames.window_update(stream, count)


FATAL = {
    "no preface": (b"GET / HTTP/1.1\r\n\r\n", Code.PROTOCOL_ERROR),
    "half a preface and other bytes": (PREFACE[:10] + b"x" * 20, Code.PROTOCOL_ERROR),
    "no settings first": (PREFACE + frame(PING, content=bytes(8)), Code.PROTOCOL_ERROR),
    "a request first": (PREFACE + DONE, Code.PROTOCOL_ERROR),
    "data first": (PREFACE + frame(DATA, 0, 1, b"x"), Code.PROTOCOL_ERROR),
    "an answer to settings first": (PREFACE + frame(SETTINGS, ACK), Code.PROTOCOL_ERROR),
    "data of stream 0": (START + frame(DATA, 0, 0, b"x"), Code.PROTOCOL_ERROR),
    "data of no stream": (START + frame(DATA, 0, 1, b"x"), Code.PROTOCOL_ERROR),
    "headers of stream 0": (START + frame(HEADERS, 5, 0, BLOCK), Code.PROTOCOL_ERROR),
    "headers of an even stream": (START + frame(HEADERS, 5, 2, BLOCK), Code.PROTOCOL_ERROR),
    "headers of a stream that was skipped": (
        START + frame(HEADERS, 5, 5, BLOCK) + frame(HEADERS, 5, 3, BLOCK),
        Code.PROTOCOL_ERROR,
    ),
    "headers of a stream that has ended": (START + DONE + DONE, Code.STREAM_CLOSED),
    "headers of a stream that the client ended": (START + WHOLE + WHOLE, Code.STREAM_CLOSED),
    "a frame over its size": (START + b"\x00\x40\x01\x00\x00\x00\x00\x00\x01", Code.FRAME_SIZE_ERROR),
    "padding without end": (START + OPEN + frame(DATA, PADDED, 1, b"\x05abc"), Code.PROTOCOL_ERROR),
    "padding of headers": (START + frame(HEADERS, 5 | PADDED, 1, b"\xff" + BLOCK), Code.PROTOCOL_ERROR),
    "a padded frame without a length": (START + OPEN + frame(DATA, PADDED, 1), Code.PROTOCOL_ERROR),
    "a priority that is cut off": (START + frame(HEADERS, 5 | PRIORITISED, 1, b"abc"), Code.FRAME_SIZE_ERROR),
    "a stream that depends on itself": (
        START + frame(HEADERS, 5 | PRIORITISED, 1, b"\x00\x00\x00\x01\x00" + BLOCK),
        Code.PROTOCOL_ERROR,
    ),
    "a priority of itself": (START + frame(PRIORITY, 0, 1, b"\x00\x00\x00\x01\x00"), Code.PROTOCOL_ERROR),
    "a short priority": (START + frame(PRIORITY, 0, 1, b"abc"), Code.FRAME_SIZE_ERROR),
    "a priority of stream 0": (START + frame(PRIORITY, 0, 0, bytes(5)), Code.PROTOCOL_ERROR),
    "a reset of stream 0": (START + frame(RST_STREAM, 0, 0, bytes(4)), Code.PROTOCOL_ERROR),
    "a reset of no stream": (START + frame(RST_STREAM, 0, 1, bytes(4)), Code.PROTOCOL_ERROR),
    "a short reset": (START + OPEN + frame(RST_STREAM, 0, 1, b"abc"), Code.FRAME_SIZE_ERROR),
    "settings of a stream": (START + frame(SETTINGS, 0, 1), Code.PROTOCOL_ERROR),
    "settings of 5 bytes": (START + frame(SETTINGS, content=b"abcde"), Code.FRAME_SIZE_ERROR),
    "settings in an answer": (START + frame(SETTINGS, ACK, 0, bytes(6)), Code.FRAME_SIZE_ERROR),
    "a push of 2": (START + setting(frames.ENABLE_PUSH, 2), Code.PROTOCOL_ERROR),
    "a window of 2^31": (START + setting(frames.INITIAL_WINDOW_SIZE, 1 << 31), Code.FLOW_CONTROL_ERROR),
    "a frame size of 1": (START + setting(frames.MAX_FRAME_SIZE, 1), Code.PROTOCOL_ERROR),
    "a frame size of 2^24": (START + setting(frames.MAX_FRAME_SIZE, 1 << 24), Code.PROTOCOL_ERROR),
    "a window that grows too large by settings": (
        START + WHOLE + window(1, (1 << 31) - 1 - 65535) + setting(frames.INITIAL_WINDOW_SIZE, 70_000),
        Code.FLOW_CONTROL_ERROR,
    ),
    "a push": (START + frame(PUSH_PROMISE, 4, 1, bytes(4) + BLOCK), Code.PROTOCOL_ERROR),
    "a ping of a stream": (START + frame(PING, 0, 1, bytes(8)), Code.PROTOCOL_ERROR),
    "a short ping": (START + frame(PING, content=b"abc"), Code.FRAME_SIZE_ERROR),
    "a goodbye of a stream": (START + frame(GOAWAY, 0, 1, bytes(8)), Code.PROTOCOL_ERROR),
    "a short goodbye": (START + frame(GOAWAY, content=bytes(7)), Code.FRAME_SIZE_ERROR),
    "a window that grows by nothing": (START + window(0, 0), Code.PROTOCOL_ERROR),
    "a window that is too large": (START + window(0, (1 << 31) - 1), Code.FLOW_CONTROL_ERROR),
    "a window of no stream": (START + window(1, 1), Code.PROTOCOL_ERROR),
    "a short window": (START + frame(WINDOW_UPDATE, content=b"abc"), Code.FRAME_SIZE_ERROR),
    "a continuation of nothing": (START + frame(CONTINUATION, 4, 1, BLOCK), Code.PROTOCOL_ERROR),
    "headers interrupted by data": (START + frame(HEADERS, 0, 1, BLOCK) + frame(DATA, 0, 1), Code.PROTOCOL_ERROR),
    "headers interrupted by headers": (START + frame(HEADERS, 0, 1, BLOCK) + DONE, Code.PROTOCOL_ERROR),
    "headers interrupted by what is not known": (
        START + frame(HEADERS, 0, 1, BLOCK) + frame(99, 0, 1),
        Code.PROTOCOL_ERROR,
    ),
    "headers continued elsewhere": (
        START + frame(HEADERS, 0, 1, BLOCK) + frame(CONTINUATION, 4, 3, BLOCK),
        Code.PROTOCOL_ERROR,
    ),
    "headers that cannot be read": (START + frame(HEADERS, 5, 1, b"\xff" * 50), Code.COMPRESSION_ERROR),
    "trailers that cannot be read": (START + OPEN + frame(HEADERS, 5, 1, b"\x80"), Code.COMPRESSION_ERROR),
}


@pytest.mark.parametrize("name", FATAL)
def test_a_connection_ends_with_a_reason(name: str) -> None:
    sent, code = FATAL[name]
    wire = Wire(greeted=False).send(sent)
    assert wire.codes()[-1] == (0, code)
    assert wire.pipe.eof
    assert wire.service.streams == 0
    assert not wire.send(DONE).frames()


BROKEN = {
    "data of a stream that has ended": (DONE + frame(DATA, 0, 1, b"x"), Code.STREAM_CLOSED),
    "data of a stream that the client ended": (WHOLE + frame(DATA, 0, 1, b"x"), Code.STREAM_CLOSED),
    "trailers that do not end": (OPEN + frame(HEADERS, END_HEADERS, 1, b""), Code.PROTOCOL_ERROR),
    "trailers that are a head": (OPEN + frame(HEADERS, 5, 1, BLOCK), Code.PROTOCOL_ERROR),
    "a window that grows by nothing": (OPEN + window(1, 0), Code.PROTOCOL_ERROR),
    "a window that is too large": (OPEN + window(1, (1 << 31) - 1), Code.FLOW_CONTROL_ERROR),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_stream_ends_with_a_reason_and_the_others_go_on(name: str) -> None:
    sent, code = BROKEN[name]
    wire = Wire().send(sent)
    assert (1, code) in wire.codes()
    wire.send(wire.request(3, b"still"))
    assert wire.answers()[3] == ("200", b"still", True)


MALFORMED = {
    "an upper-case name": ((b"A", b"1"),),
    "no name": ((b"", b"1"),),
    "a space in a name": ((b"a b", b"1"),),
    "a line's end": ((b"a", b"1\r\nb: 2"),),
    "a NUL": ((b"a", b"\x00"),),
    "a space in front": ((b"a", b" 1"),),
    "connection": ((b"connection", b"close"),),
    "upgrade": ((b"upgrade", b"h2c"),),
    "chunked": ((b"transfer-encoding", b"chunked"),),
    "te": ((b"te", b"gzip"),),
    "a pseudo-header behind": ((b"a", b"1"), (b":authority", b"x")),
    "a pseudo-header twice": ((b":path", b"/"),),
    "another pseudo-header": ((b":status", b"200"),),
    "a length that is none": ((b"content-length", b"-1"),),
    "two lengths": ((b"content-length", b"0"), (b"content-length", b"0")),
    "another length": ((b"content-length", b"5"),),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_head_that_is_none_breaks_its_stream(name: str) -> None:
    wire = Wire().send(frame(HEADERS, END_HEADERS | END_STREAM, 1, BLOCK + hpack.write(MALFORMED[name])))
    assert wire.codes() == [(1, Code.PROTOCOL_ERROR)]
    assert wire.send(wire.request(3)).answers() == {3: ("200", b"", True)}


@pytest.mark.parametrize("missing", [b":method", b":scheme", b":path"])
def test_a_head_needs_its_pseudo_headers(missing: bytes) -> None:
    told = [(b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/echo")]
    for value in (None, b""):
        given = [(name, value if name == missing else old) for name, old in told]
        block = hpack.write([(name, value) for name, value in given if value is not None])
        assert Wire().send(frame(HEADERS, 5, 1, block)).codes() == [(1, Code.PROTOCOL_ERROR)]


def test_an_answer_in_one_write() -> None:
    wire = Wire()
    before = wire.pipe.writes
    wire.send(b"".join(wire.request(number, b"%d" % number) for number in range(1, 20, 2)))
    assert wire.pipe.writes == before + 1
    assert wire.answers() == {number: ("200", b"%d" % number, True) for number in range(1, 20, 2)}


def test_padding_priorities_and_parts_of_headers_say_nothing() -> None:
    wire = Wire()
    block = wire.head("/echo", ("x", "y" * 500))
    first, second, third = block[:5], block[5:100], block[100:]
    wire.send(
        frame(HEADERS, PADDED | PRIORITISED, 1, b"\x03" + b"\x00\x00\x00\x00\x10" + first + bytes(3)),
        frame(CONTINUATION, 0, 1, second) + frame(CONTINUATION, END_HEADERS, 1, third),
        frame(PRIORITY, 0, 9, bytes(5)) + frame(99, 0xFF, 1, b"?"),
        frame(DATA, PADDED, 1, b"\x02ab" + bytes(2)) + frame(DATA, 0, 1) + frame(DATA, END_STREAM, 0x80000001, b"c"),
    )
    assert wire.answers() == {1: ("200", b"abc", True)}


def test_trailers_end_a_body() -> None:
    wire = Wire()
    wire.send(OPEN + frame(DATA, 0, 1, b"abc") + frame(HEADERS, 5, 1, hpack.write(((b"x", b"y"),))))
    assert wire.answers() == {1: ("200", b"abc", True)}


def test_pings_and_settings_are_answered() -> None:
    wire = Wire().send(frame(PING, content=b"mooring!") + setting(frames.HEADER_TABLE_SIZE, 0) + setting(0x99, 7))
    assert [(each.kind, each.flags, each.content) for each in wire.frames()] == [
        (PING, ACK, b"mooring!"),
        (SETTINGS, ACK, b""),
        (SETTINGS, ACK, b""),
    ]


def test_a_request_that_fails_is_told_so_and_nothing_else() -> None:
    wire = Wire()
    wire.send(wire.request(1, b"", "/fail"))
    assert wire.codes() == [(1, Code.INTERNAL_ERROR)]
    assert wire.service.streams == 0


def test_a_refusal_does_not_wait_for_the_body() -> None:
    wire = Wire()
    wire.send(frame(HEADERS, END_HEADERS, 1, wire.head("/refuse")))
    (told, reset) = wire.frames()
    assert (told.kind, told.flags & END_STREAM, wire.headers(told.content)) == (HEADERS, 1, {":status": "404"})
    assert (reset.kind, reset.content) == (RST_STREAM, bytes(4))
    # What was on its way is passed over.
    wire.send(frame(DATA, 0, 1, b"x") + frame(HEADERS, 5, 1, hpack.write(((b"x", b"y"),))))
    assert wire.codes() == []


def test_a_client_that_gives_up() -> None:
    wire = Wire()
    wire.send(wire.request(1, b"x", "/later"))
    (stream,) = wire.shop[b"/later"].streams
    wire.send(frames.reset(1, Code.CANCEL))
    assert wire.shop[b"/later"].heard == ["gone"]
    stream.answer(b"", b"for nobody", b"")
    assert wire.frames() == []
    assert (wire.service.streams, stream.open, stream.state) == (0, False, None)


def test_a_client_that_is_gone() -> None:
    wire = Wire()
    wire.send(wire.request(1, b"x", "/later") + wire.request(3, b"x", "/later"))
    wire.connection.connection_lost(None)
    assert wire.shop[b"/later"].heard == ["gone", "gone"]
    assert (wire.service.streams, wire.service.connections) == (0, set())


def test_a_head_is_looked_up_once_until_something_changes() -> None:
    wire = Wire()
    block = hpack.write(((b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/echo"), (b"x", b"1")))
    for number in range(1, 9, 2):
        wire.send(frame(HEADERS, 5, number, block))
    assert len(wire.shop.asked) == 1
    # Other bytes that say the same, and what names one request.
    wire.send(wire.request(11, b"", "/echo", ("x", "1")))
    wire.send(wire.request(13, b"", "/echo", ("x", "1"), ("grpc-timeout", "3S")))
    assert len(wire.shop.asked) == 1
    wire.shop.epoch = 1
    wire.send(frame(HEADERS, 5, 15, block))
    assert len(wire.shop.asked) == 2
    assert len(wire.answers()) == 7


def test_a_block_means_something_else_when_the_table_has_changed() -> None:
    wire = Wire()
    start = hpack.write(((b":method", b"POST"), (b":scheme", b"http")))
    kept = start + b"\x44" + hpack.string(b"/first")
    other = start + b"\x44" + hpack.string(b"/second")
    named = start + b"\xbe"
    for number, block in enumerate((kept, named, named, other, named)):
        wire.send(frame(HEADERS, 5, 2 * number + 1, block))
    assert [head.path for head in wire.shop.asked] == [b"/first", b"/second"]
    assert len(wire.answers()) == 5
    assert wire.shop[b"/second"].heard == wire.shop[b"/first"].heard == []


def test_a_head_larger_than_allowed_is_refused_and_the_next_is_not() -> None:
    wire = Wire()
    block = wire.head("/echo", ("x", "y" * 30_000))
    parts = [block[at : at + 10_000] for at in range(0, len(block), 10_000)]
    wire.send(frame(HEADERS, END_STREAM, 1, parts[0]), *(frame(CONTINUATION, 0, 1, part) for part in parts[1:]))
    wire.send(frame(CONTINUATION, END_HEADERS, 1) + wire.request(3, b"a"))
    assert wire.answers() == {1: ("404", b"", True), 3: ("200", b"a", True)}
