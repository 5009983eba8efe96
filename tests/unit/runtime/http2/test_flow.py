"""Windows, in both directions, and clients that read slowly."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.runtime.http2.wire import DONE, GOOD, Wire

from moorage_runtime.servers.http2 import frames
from moorage_runtime.servers.http2.faults import Code
from moorage_runtime.servers.http2.frames import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    INITIAL_WINDOW_SIZE,
    MAX_FRAME_SIZE,
    WINDOW_UPDATE,
    frame,
)
from moorage_runtime.servers.http2.limits import Limits


def told(wire: Wire, number: int = 1) -> bytes:
    return b"".join(each.content for each in wire.frames() if each.kind == DATA and each.stream == number)


def window(stream: int, count: int) -> bytes:
    return frames.window_update(stream, count)


def test_no_more_is_sent_than_the_client_is_ready_for() -> None:
    wire = Wire()
    body = bytes(range(256)) * 400
    wire.send(wire.request(1, b"x", "/later"))
    wire.shop[b"/later"].streams[0].answer(GOOD, body, DONE)
    first = told(wire)
    assert len(first) == 65_535
    wire.send(window(0, 100_000))
    assert told(wire) == b""
    wire.send(window(1, 1000))
    second = told(wire)
    assert len(second) == 1000
    wire.send(window(1, 100_000))
    last = wire.frames()
    assert first + second + b"".join(each.content for each in last if each.kind == DATA) == body
    assert (last[-1].kind, last[-1].flags) == (HEADERS, END_HEADERS | END_STREAM)
    assert (wire.connection.outbox.held, wire.service.streams) == (0, 0)


def test_an_answer_waits_for_the_window_of_the_connection() -> None:
    wire = Wire()
    for number in (1, 3):
        wire.send(wire.request(number, b"x", "/later"))
    for stream in wire.shop[b"/later"].streams:
        stream.answer(GOOD, bytes(40_000), DONE)
    assert sum(len(each.content) for each in wire.frames() if each.kind == DATA) == 65_535
    wire.send(window(0, 20_000))
    assert wire.connection.outbox.held == 0


def test_long_answers_take_turns() -> None:
    wire = Wire()
    wire.send(frames.settings({INITIAL_WINDOW_SIZE: 1 << 20}))
    for number in (1, 3):
        wire.send(wire.request(number, b"x", "/later"))
    for stream in wire.shop[b"/later"].streams:
        stream.answer(GOOD, bytes(100_000), DONE)
    wire.frames()
    wire.send(window(0, 1 << 20))
    order = [each.stream for each in wire.frames() if each.kind == DATA]
    assert {1, 3} == set(order)
    assert order[:4] in ([1, 3, 1, 3], [3, 1, 3, 1], [3, 3, 3, 3], [1, 3, 3, 3])


def test_frames_are_no_longer_than_the_client_takes() -> None:
    for size, longest in ((16_384, 16_384), (20_000, 20_000), (1 << 20, 65_536)):
        wire = Wire()
        wire.send(frames.settings({INITIAL_WINDOW_SIZE: 1 << 20, MAX_FRAME_SIZE: size}) + window(0, 1 << 20))
        wire.send(wire.request(1, b"x", "/later"))
        wire.shop[b"/later"].streams[0].answer(GOOD, bytes(300_000), DONE)
        assert max(len(each.content) for each in wire.frames() if each.kind == DATA) == longest


def test_a_window_that_settings_make_negative() -> None:
    wire = Wire()
    wire.send(wire.request(1, b"x", "/later"))
    stream = wire.shop[b"/later"].streams[0]
    stream.begin(GOOD)
    stream.send(bytes(1000))
    wire.send(frames.settings({INITIAL_WINDOW_SIZE: 500}))
    stream.send(b"later")
    assert len(told(wire)) == 1000
    wire.send(frames.settings({INITIAL_WINDOW_SIZE: 1003}))
    assert told(wire) == b"lat"


def test_parts_tell_when_they_have_left() -> None:
    wire = Wire()
    wire.send(frame(HEADERS, END_HEADERS, 1, wire.head("/talk")))
    talk = wire.shop[b"/talk"]
    talk.streams[0].send(bytes(70_000))
    assert talk.heard == []
    wire.send(window(1, 70_000) + window(0, 70_000))
    assert talk.heard == ["writable"]


def test_the_client_may_go_on_sending_as_its_bytes_are_read() -> None:
    wire = Wire(Limits(window_bytes=100_000, connection_window_bytes=200_000))
    wire.send(frame(HEADERS, END_HEADERS, 1, wire.head("/later")))
    for _ in range(100):
        wire.send(frame(DATA, 0, 1, bytes(10_000)))
    grown = [each for each in wire.frames() if each.kind == WINDOW_UPDATE]
    for stream, size in ((0, 200_000), (1, 100_000)):
        counts = [int.from_bytes(each.content, "big") for each in grown if each.stream == stream]
        assert 1_000_000 - size <= sum(counts) <= 1_000_000
        assert min(counts) >= size // 2


def test_a_stream_that_pauses_gives_no_credit() -> None:
    wire = Wire(Limits(window_bytes=100_000))
    wire.send(frame(HEADERS, END_HEADERS, 1, wire.head("/later")))
    stream = wire.connection.streams[1]
    stream.pause()
    for _ in range(10):
        wire.send(frame(DATA, 0, 1, bytes(10_000)))
    assert [each for each in wire.frames() if each.kind == WINDOW_UPDATE] == []
    wire.send(frame(DATA, 0, 1, b"x"))
    assert wire.codes() == [(1, Code.FLOW_CONTROL_ERROR)]
    wire.send(frame(HEADERS, END_HEADERS, 3, wire.head("/later")))
    stream = wire.connection.streams[3]
    stream.pause()
    wire.send(*[frame(DATA, 0, 3, bytes(10_000))] * 10)
    stream.resume()
    assert [each.stream for each in wire.frames() if each.kind == WINDOW_UPDATE] == [3]


def test_more_than_the_connection_may_send() -> None:
    wire = Wire(Limits(window_bytes=1 << 20, connection_window_bytes=70_000))
    wire.connection.intake._whole_credit = 0
    wire.send(frame(HEADERS, END_HEADERS, 1, wire.head("/later")))
    for _ in range(10):
        wire.send(frame(DATA, 0, 1, bytes(16_000)))
    assert wire.codes()[-1] == (0, Code.FLOW_CONTROL_ERROR)


def test_padding_counts_in_the_window() -> None:
    wire = Wire(Limits(window_bytes=1000))
    wire.send(frame(HEADERS, END_HEADERS, 1, wire.head("/later")))
    wire.connection.streams[1].pause()
    for _ in range(3):
        wire.send(frame(DATA, frames.PADDED, 1, b"\xff" + bytes(255)))
    assert wire.codes() == []
    wire.send(frame(DATA, frames.PADDED, 1, b"\xff" + bytes(255)))
    assert wire.codes() == [(1, Code.FLOW_CONTROL_ERROR)]


def test_a_client_that_does_not_read_begins_nothing_new() -> None:
    wire = Wire()
    wire.connection.pause_writing()
    wire.loop.run()
    assert wire.pipe.paused
    wire.connection.resume_writing()
    wire.loop.run()
    assert not wire.pipe.paused
    assert wire.send(wire.request(1, b"a")).answers() == {1: ("200", b"a", True)}


def test_requests_of_one_read_take_turns_with_those_of_others() -> None:
    wire = Wire(Limits(turn=4))
    count = 0
    sent = b"".join(wire.request(number, b"x") for number in range(1, 41, 2))
    wire.connection.data_received(sent)
    while wire.loop.soon:
        answers = wire.answers()
        assert len(answers) <= 5
        count += len(answers)
        call, arguments = wire.loop.soon.pop(0)
        call(*arguments)
    assert count + len(wire.answers()) == 20


@settings(max_examples=100, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 60_000), min_size=1, max_size=6),
    grows=st.lists(st.tuples(st.integers(0, 6), st.integers(1, 90_000)), max_size=40),
)
def test_all_of_every_answer_arrives_in_order(sizes: list[int], grows: list[tuple[int, int]]) -> None:
    wire = Wire()
    bodies = {2 * index + 1: bytes((index,)) * size for index, size in enumerate(sizes)}
    for number in bodies:
        wire.send(wire.request(number, b"x", "/later"))
    for stream in list(wire.shop[b"/later"].streams):
        stream.answer(GOOD, bodies[stream.number], DONE)
    allowed = 65_535
    for index, count in grows:
        if index < len(sizes) and index:
            wire.send(window(2 * index + 1, count))
        else:
            wire.send(window(0, count))
            allowed += count
    out = wire.frames()
    assert sum(len(each.content) for each in out if each.kind == DATA) <= allowed
    wire.send(window(0, 1 << 20), *(window(number, 1 << 20) for number in list(wire.connection.streams)))
    out += wire.frames()
    for number, body in bodies.items():
        assert b"".join(each.content for each in out if each.kind == DATA and each.stream == number) == body
        assert [each.flags for each in out if each.stream == number][-1] & END_STREAM
    assert (wire.connection.outbox.held, wire.service.streams) == (0, 0)
