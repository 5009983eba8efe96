"""How long a client may stay as it is, and how it is sent elsewhere. Time is told by hand."""

from __future__ import annotations

import pytest
from tests.unit.runtime.http2.wire import DONE, GOOD, START, Wire

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http2 import frames
from moorage_runtime.servers.http2.faults import Code
from moorage_runtime.servers.http2.frames import (
    ACK,
    DATA,
    END_HEADERS,
    GOAWAY,
    HEADERS,
    LAST_STREAM,
    PING,
    PREFACE,
    frame,
)
from moorage_runtime.servers.http2.limits import Limits

LASTING = Limits(age_seconds=1e9)
GOING = RequestFault(503, "Leaving", "this server is going away")


@pytest.mark.parametrize("sent", [b"", PREFACE[:5], PREFACE, PREFACE + b"\x00\x00"])
def test_a_client_that_never_begins(sent: bytes) -> None:
    wire = Wire(LASTING, greeted=False)
    wire.send(sent).pass_time(15)
    assert not wire.pipe.eof
    wire.pass_time(10)
    assert wire.pipe.eof
    assert wire.codes()[-1] == (0, Code.SETTINGS_TIMEOUT)


def test_a_client_that_has_nothing_to_ask_yet() -> None:
    wire = Wire(LASTING).pass_time(600)
    assert wire.frames() == []
    wire.pass_time(30)
    assert wire.codes()[0] == (0, Code.NO_ERROR)


@pytest.mark.parametrize("headers", [True, False])
def test_a_frame_that_is_never_whole(headers: bool) -> None:
    wire = Wire(LASTING)
    wire.send(frame(HEADERS, 0, 1, wire.head()) if headers else frame(DATA, 0, 1, bytes(100))[:50])
    wire.pass_time(11)
    assert not wire.pipe.eof
    assert wire.pass_time(3).codes() == [(0, Code.SETTINGS_TIMEOUT)]


def test_a_body_that_comes_by_the_byte() -> None:
    wire = Wire(LASTING)
    wire.send(frame(HEADERS, END_HEADERS, 1, wire.head()))
    for _ in range(14):
        wire.send(frame(DATA, 0, 1, b"x")).pass_time(1)
    assert wire.answers()[1] == ("408", b"", True)


def test_a_body_that_comes_for_too_long() -> None:
    wire = Wire(LASTING)
    wire.send(frame(HEADERS, END_HEADERS, 1, wire.head()))
    for _ in range(125):
        wire.send(frame(DATA, 0, 1, bytes(9000))).pass_time(1)
    assert wire.answers()[1][0] == "408"


def test_a_conversation_may_be_silent() -> None:
    wire = Wire(LASTING)
    wire.send(frame(HEADERS, END_HEADERS, 1, wire.head("/talk"))).pass_time(115)
    wire.send(frame(DATA, 1, 1, b"still here"))
    assert wire.answers()[1] == ("200", b"still here", True)


def test_a_client_that_vanished_is_found_out() -> None:
    wire = Wire(LASTING)
    wire.send(frame(HEADERS, END_HEADERS, 1, wire.head("/talk"))).pass_time(122)
    (asked,) = (each for each in wire.frames() if each.kind == PING)
    wire.send(frame(PING, ACK, content=asked.content)).pass_time(100)
    assert not wire.pipe.aborted
    wire.pass_time(45)
    assert wire.pipe.aborted
    assert wire.shop[b"/talk"].heard == ["gone"]


@pytest.mark.parametrize("dribble", [0, 1, 2000])
def test_an_answer_that_is_not_taken(dribble: int) -> None:
    wire = Wire(LASTING)
    wire.send(wire.request(1, b"x", "/later"))
    wire.shop[b"/later"].streams[0].answer(GOOD, bytes(500_000), DONE)
    wire.frames()
    for _ in range(13):
        if dribble:
            wire.send(frames.window_update(1, dribble) + frames.window_update(0, dribble))
        wire.pass_time(1)
    assert (wire.codes() == [(0, Code.ENHANCE_YOUR_CALM)]) == (dribble < 1000)


def test_a_client_that_does_not_read_at_all() -> None:
    wire = Wire(LASTING)
    wire.pipe.full = 1
    wire.send(wire.request(1, b"x")).pass_time(14)
    assert wire.pipe.aborted


def test_an_old_connection_is_renewed_without_a_loss() -> None:
    wire = Wire(Limits(age_seconds=20))
    wire.send(wire.request(1, b"x", "/later")).pass_time(19)
    assert wire.frames() == []
    wire.pass_time(1.5)
    first, ping = wire.frames()
    assert (first.kind, frames.number(first.content)) == (GOAWAY, LAST_STREAM)
    # What was on its way is answered; what comes behind the answer to the ping is not looked at.
    wire.send(wire.request(3, b"on its way") + frame(PING, ACK, content=ping.content) + wire.request(5, b"late"))
    told = wire.frames()
    goodbye = next(each for each in told if each.kind == GOAWAY)
    assert frames.number(goodbye.content) == 3
    assert {each.stream for each in told if each.kind == DATA} == {3}
    assert not wire.pipe.eof
    wire.shop[b"/later"].streams[0].answer(GOOD, b"done", DONE)
    wire.loop.run()
    assert wire.answers()[1] == ("200", b"done", True)
    assert wire.pipe.eof
    wire.pass_time(3)
    assert wire.pipe.aborted


def test_a_client_that_does_not_say_that_it_heard() -> None:
    wire = Wire(Limits(age_seconds=1)).pass_time(10)
    assert [frames.number(each.content) for each in wire.frames() if each.kind == GOAWAY] == [LAST_STREAM, 0]
    assert wire.pipe.eof


def test_clients_are_asked_to_leave_at_once_when_they_should_go_elsewhere() -> None:
    wire = Wire(LASTING)
    wire.leaving = True
    wire.pass_time(1.5)
    wire.send(wire.ack())
    assert wire.pipe.eof


def test_a_client_that_says_goodbye_gets_its_answers() -> None:
    wire = Wire(LASTING)
    wire.send(wire.request(1, b"x", "/later") + frames.goaway(0, Code.NO_ERROR))
    assert not wire.pipe.eof
    wire.shop[b"/later"].streams[0].answer(GOOD, b"done", DONE)
    wire.loop.run()
    assert wire.answers()[1] == ("200", b"done", True)
    assert wire.pipe.eof


def test_conversations_are_told_when_the_port_closes() -> None:
    wire = Wire(LASTING)
    wire.send(frame(HEADERS, END_HEADERS, 1, wire.head("/talk")) + wire.request(3, b"x", "/later"))
    wire.connection.send_off(GOING)
    assert 1 not in wire.connection.streams
    assert 3 in wire.connection.streams


def test_the_greeting_may_come_with_the_first_request() -> None:
    wire = Wire(LASTING, greeted=False)
    wire.send(START + wire.request(1, b"a"))
    assert wire.answers() == {1: ("200", b"a", True)}
