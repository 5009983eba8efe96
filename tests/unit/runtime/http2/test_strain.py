"""Clients that ask too much, and clients that only seem to."""

from __future__ import annotations

import pytest
from tests.unit.runtime.http2.wire import Wire

from moorage_runtime.servers.http2 import frames, hpack, strain
from moorage_runtime.servers.http2.faults import Code
from moorage_runtime.servers.http2.frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PING,
    PRIORITY,
    SETTINGS,
    WINDOW_UPDATE,
    frame,
)
from moorage_runtime.servers.http2.limits import Limits

CALM = (0, Code.ENHANCE_YOUR_CALM)
FLOODS = {
    "pings": frame(PING, content=bytes(8)),
    "answers to pings": frame(PING, ACK, content=bytes(8)),
    "settings": frame(SETTINGS),
    "answers to settings": frame(SETTINGS, ACK),
    "priorities": frame(PRIORITY, 0, 1, bytes(5)),
    "what nobody knows": frame(99, 0, 0, b"x"),
    "windows that grow by a byte": frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1"),
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_of(name: str) -> None:
    wire = Wire().send(FLOODS[name] * 1100)
    assert wire.codes() == [CALM]


def test_a_flood_of_nothing() -> None:
    wire = Wire()
    wire.send(frame(HEADERS, END_HEADERS, 1, wire.head("/later")) + frame(DATA, 0, 1) * 1100)
    assert wire.codes() == [CALM]
    assert wire.shop[b"/later"].heard == ["gone"]


def test_a_flood_of_streams_that_are_given_up() -> None:
    wire = Wire()
    block = hpack.write(((b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/later")))
    for number in range(1, 2001, 2):
        wire.send(frame(HEADERS, END_HEADERS, number, block) + frames.reset(number, Code.CANCEL))
    assert wire.codes() == [CALM]
    assert len(wire.shop[b"/later"].heard) <= strain.RESETS + 1
    assert wire.service.streams == 0


@pytest.mark.parametrize("part", [b"", b"\x00\x01x\x01y" * 100])
def test_headers_without_end(part: bytes) -> None:
    wire = Wire()
    wire.send(frame(HEADERS, 0, 1, wire.head()), *[frame(CONTINUATION, 0, 1, part)] * 2000)
    assert wire.codes() == [CALM]


def test_a_bomb_of_headers() -> None:
    wire = Wire()
    block = wire.head() + b"\x40" + hpack.string(b"x") + hpack.string(b"y" * 3000) + b"\xbe" * 10_000
    wire.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, block))
    assert wire.codes() == [CALM]


def test_more_streams_than_allowed_are_left_to_be_tried_again() -> None:
    wire = Wire(Limits(streams=3))
    wire.send(b"".join(wire.request(number, b"x", "/later") for number in (1, 3, 5, 7)))
    assert wire.codes() == [(7, Code.REFUSED_STREAM)]
    wire.shop[b"/later"].streams[0].refuse(b"\x88")
    wire.frames()
    assert wire.send(wire.request(9, b"a")).answers()[9] == ("200", b"a", True)


def test_more_streams_than_all_may_have() -> None:
    wire = Wire(Limits(streams_together=2))
    wire.send(b"".join(wire.request(number, b"x", "/later") for number in (1, 3, 5)))
    assert wire.codes() == [(5, Code.REFUSED_STREAM)]


def test_answers_that_nobody_takes_leave_no_room_for_others() -> None:
    wire = Wire(Limits(held_bytes=100_000))
    wire.send(wire.request(1, b"x", "/later"))
    wire.shop[b"/later"].streams[0].answer(b"\x88", bytes(200_000), b"")
    wire.frames()
    assert wire.send(wire.request(3, b"x")).codes() == [(3, Code.REFUSED_STREAM)]


def test_more_connections_than_allowed() -> None:
    wire = Wire(Limits(connections=0), greeted=False)
    assert wire.codes() == [CALM]
    assert wire.pipe.eof


def test_a_busy_client_may_ping_as_often_as_it_is_answered() -> None:
    wire = Wire()
    for number in range(1, 1001, 2):
        wire.send(wire.request(number, b"x") + frame(PING, content=bytes(8)) * 3)
    assert wire.codes() == []


def test_a_client_that_keeps_its_connection_alive() -> None:
    wire = Wire(Limits(age_seconds=1e9, idle_seconds=1e9))
    for _ in range(200):
        wire.send(frame(PING, content=bytes(8))).pass_time(10)
    assert wire.codes() == []


def test_a_client_that_gives_up_now_and_then() -> None:
    wire = Wire(Limits(age_seconds=1e9))
    number = 1
    for _ in range(20):
        for _ in range(100):
            wire.send(wire.request(number, b"x", "/later") + frames.reset(number, Code.CANCEL))
            number += 2
        wire.pass_time(2)
    assert wire.codes() == []
