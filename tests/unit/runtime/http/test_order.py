"""Answers leave in the order of their requests, each once, and each ends where it says."""

from __future__ import annotations

import asyncio
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.runtime.http.wire import Action, Wire, request

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http.exchange import Exchange
from moorage_runtime.servers.http.limits import Limits
from moorage_runtime.servers.http.stream import Stream


def bodies(wire: Wire) -> list[bytes]:
    return [told.body for told in wire.told]


@given(st.permutations(range(6)))
def test_whatever_the_order_of_answers_theirs_is_the_order_of_requests(order: list[int]) -> None:
    wire = Wire().send(request("/later") * 6)
    for number in order:
        wire.shop.later[number].answer(200, b"%d" % number)
    assert bodies(wire) == [b"%d" % number for number in range(6)]
    assert wire.traffic.in_flight == 0
    assert wire.traffic.begun == 6


def test_an_answer_at_once_waits_for_the_one_before() -> None:
    wire = Wire().send(request("/later") + request("/echo"))
    assert wire.told == []
    wire.shop.later[0].answer(201, b"")
    assert wire.statuses == [201, 200]


def test_a_request_that_is_no_http_waits_for_the_answers_before() -> None:
    wire = Wire().send(request("/later") + b"garbage\r\n\r\n")
    assert wire.told == []
    wire.shop.later[0].answer(200, b"")
    assert wire.statuses == [200, 400]
    assert "connection" not in wire.told[0].headers
    assert wire.ended


def test_a_second_answer_is_an_error_of_ours() -> None:
    wire = Wire().send(request("/later"))
    wire.shop.later[0].answer(200, b"1")
    with pytest.raises(RuntimeError):
        wire.shop.later[0].answer(200, b"2")
    with pytest.raises(RuntimeError):
        wire.shop.later[0].stream(200, b"text/plain")
    assert bodies(wire) == [b"1"]


def test_only_so_many_requests_of_one_client_are_under_way() -> None:
    wire = Wire(limits=Limits(pipelined=3)).send(request("/later") * 5 + request("/echo"))
    assert len(wire.shop.later) == 3
    assert wire.paused
    wire.shop.later[1].answer(200, b"1")
    wire.loop.turn()
    assert len(wire.shop.later) == 3
    wire.shop.later[0].answer(200, b"0")
    wire.loop.turn()
    assert len(wire.shop.later) == 5
    for number in (4, 3, 2):
        wire.shop.later[number].answer(200, b"%d" % number)
        wire.loop.turn()
    assert bodies(wire) == [b"0", b"1", b"2", b"3", b"4", b"GET /echo? "]
    assert not wire.paused


def test_one_client_with_many_requests_lets_others_have_their_turn() -> None:
    wire = Wire(limits=Limits(pipelined=10))
    wire._waiting = request() * 25 + request("/echo", b"x" * 10)[:-5]
    wire._deliver()
    assert wire.statuses == [200] * 10
    wire.loop.turn()
    assert wire.statuses == [200] * 25
    assert wire.send(b"x" * 5).statuses == [200] * 26
    assert not wire.paused


def test_who_is_ended_while_others_have_their_turn_is_read_no_more() -> None:
    wire = Wire(limits=Limits(pipelined=2))
    wire._waiting = request("/later") + request() * 5
    wire._deliver()
    wire.reset()
    wire.loop.turn()
    assert wire.shop.later[0].gone
    assert len(wire.shop.asked) == 2


async def test_requests_behind_an_answer_that_ends_with_the_connection_get_none() -> None:
    old = b"GET /later HTTP/1.0\r\nconnection: keep-alive\r\n\r\n"
    wire = Wire(limits=Limits(pipelined=2)).send(old + request("/later") + request() * 3)
    assert wire.paused
    stream = wire.shop.later[0].stream(200, b"text/plain")
    await stream.write(b"part")
    stream.close()
    assert wire.out.endswith(b"part")
    assert wire.ended
    assert not wire.paused
    assert wire.shop.later[1].gone
    wire.loop.turn()
    assert len(wire.shop.asked) == 2
    assert wire.traffic.in_flight == 0


def test_a_body_goes_on_after_a_pause() -> None:
    wire = Wire(limits=Limits(pipelined=1)).send(request("/later"), request("/echo", b"x" * 100_000))
    assert wire.paused
    wire.shop.later[0].answer(200, b"")
    wire.loop.turn()
    assert bodies(wire)[1] == b"POST /echo? " + b"x" * 100_000


def test_a_route_that_fails_is_500_and_the_connection_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        wire = Wire().send(request("/fail") + request())
    assert wire.statuses == [500, 200]
    assert b"secret" not in wire.out
    assert "a secret of the inside" in caplog.text


def test_a_route_may_refuse() -> None:
    wire = Wire().send(request("/refuse") + request())
    assert wire.statuses == [422, 200]
    assert wire.told[0].headers["x-why"] == "because"
    assert wire.told[0].body == f"Unprocessable {wire.told[0].headers['x-request-id']}".encode()


def test_a_route_that_fails_after_its_answer_changes_nothing() -> None:
    wire = Wire()

    def act(exchange: Exchange) -> None:
        exchange.answer(200, b"good")
        raise RequestFault(400, "Late", "too late")

    wire.shop.routes[b"/act"] = Action(act)
    assert bodies(wire.send(request("/act") + request())) == [b"good", b"GET /echo? "]


def test_an_answer_that_cannot_be_written_is_500() -> None:
    wire = Wire()
    wire.shop.routes[b"/act"] = Action(lambda exchange: exchange.answer(200, "text"))  # type: ignore[arg-type]
    assert wire.send(request("/act") + request()).statuses == [500, 200]


def test_headers_of_an_answer() -> None:
    wire = Wire().send(request("/later", None, "x-request-id: mine"))
    wire.shop.later[0].answer(404, b"x", b"text/plain", ((b"x-cache", b"hit"), (b"a", b"b")))
    assert wire.out == (
        b"HTTP/1.1 404 Not Found\r\nx-model-version: 7\r\ncontent-type: text/plain\r\ncontent-length: 1\r\n"
        b"x-request-id: mine\r\nx-cache: hit\r\na: b\r\n\r\nx"
    )


def test_head_gets_the_length_and_no_body() -> None:
    wire = Wire().send(request(method="HEAD"))
    assert wire.out.endswith(b"\r\n\r\n")
    assert b"content-length: 12\r\n" in wire.out


def test_an_answer_of_204_has_no_length() -> None:
    wire = Wire().send(request("/later") + request())
    wire.shop.later[0].answer(204, b"")
    assert wire.statuses == [204, 200]
    assert "content-length" not in wire.told[0].headers


def test_an_observer_hears_of_each_answer() -> None:
    wire = Wire().send(request() + request("/none"))
    assert wire.seen == [(200, 11), (404, len(wire.told[1].body))]


@pytest.mark.parametrize(
    ("head", "keeps"),
    [
        (b"GET /echo HTTP/1.1\r\nhost: a", True),
        (b"GET /echo HTTP/1.1\r\nhost: a\r\nconnection: close", False),
        (b"GET /echo HTTP/1.1\r\nhost: a\r\nConnection: Close", False),
        (b"GET /echo HTTP/1.1\r\nhost: a\r\nconnection: te, close", False),
        (b"GET /echo HTTP/1.1\r\nhost: a\r\nconnection: keep-alive\r\nconnection: close", False),
        (b"GET /echo HTTP/1.1\r\nhost: a\r\nconnection: closed", True),
        (b"GET /echo HTTP/1.0\r\nhost: a", False),
        (b"GET /echo HTTP/1.0\r\nhost: a\r\nconnection: Keep-Alive", True),
        (b"GET /echo HTTP/1.0\r\nhost: a\r\nconnection: keep-alive, close", False),
    ],
)
def test_keep_alive(head: bytes, keeps: bool) -> None:
    wire = Wire().send((head + b"\r\n\r\n") * 2)
    assert wire.statuses == ([200, 200] if keeps else [200])
    said = wire.told[0].headers.get("connection")
    assert said == ("close" if not keeps else "keep-alive" if b"1.0" in head else None)
    assert wire.ended is not keeps


def test_the_last_request_may_have_a_body() -> None:
    wire = Wire().send(request("/echo", b"x" * 100, "connection: close")[:-50], b"x" * 50)
    assert len(wire.told[0].body) == 112
    assert wire.ended


def test_who_should_leave_is_told_with_its_last_answer() -> None:
    wire = Wire().send(request("/later") * 2)
    wire.leaving = True
    wire.shop.later[1].answer(200, b"1")
    wire.shop.later[0].answer(200, b"0")
    assert [told.headers.get("connection") for told in wire.told] == [None, "close"]
    assert wire.ended


def test_what_has_arrived_is_answered_before_the_end() -> None:
    wire = Wire()
    wire.leaving = True
    wire.send(request() + request() + request()[:5])
    assert wire.statuses == [200, 200]
    assert not wire.ended
    wire.send(request()[5:])
    assert wire.statuses == [200] * 3
    assert wire.told[2].headers["connection"] == "close"
    assert wire.ended


def test_a_client_that_left_is_told_to_the_exchange() -> None:
    wire = Wire().send(request("/later") * 3)
    left: list[int] = []
    for number, exchange in enumerate(wire.shop.later):
        exchange.on_gone = lambda number=number: left.append(number)
    wire.shop.later[1].answer(200, b"")
    wire.reset()
    assert left == [0, 2]
    assert wire.shop.later[0].gone
    wire.shop.later[0].answer(200, b"dropped")
    assert not wire.out
    assert wire.traffic.in_flight == 0


def test_a_client_that_sends_no_more_gets_its_answers() -> None:
    wire = Wire().send(request("/later"))
    wire.hang_up()
    assert not wire.closed
    # A client that left altogether would refuse this; HTTP/1.1 clients pass over it.
    assert wire.out == b"HTTP/1.1 100 Continue\r\n\r\n"
    wire.shop.later[0].answer(200, b"late")
    assert bodies(wire) == [b"late"]
    assert wire.told[0].headers["connection"] == "close"
    assert wire.closed


def test_a_client_that_sends_no_more_and_closes_is_let_go() -> None:
    wire = Wire().send(request("/later", None, "connection: close"))
    wire.hang_up()
    wire.shop.later[0].answer(200, b"late")
    assert bodies(wire) == [b"late"]
    assert wire.closed


def test_a_client_that_ends_between_requests_is_let_go() -> None:
    wire = Wire().send(request())
    wire.hang_up()
    assert wire.closed
    assert wire.statuses == [200]


@pytest.mark.parametrize("cut", [10, 40, 60])
def test_a_request_that_is_cut_off_is_refused(cut: int) -> None:
    wire = Wire().send(request("/echo", b"x" * 100)[:cut])
    wire.hang_up()
    assert wire.statuses == [400]
    assert wire.closed


async def test_parts_of_an_answer() -> None:
    wire = Wire().send(request("/later") + request("/echo"))
    stream = wire.shop.later[0].stream(200, b"text/event-stream", ((b"x-a", b"b"),))
    assert await stream.write(b"data: 1\n\n")
    assert wire.out.endswith(
        b"transfer-encoding: chunked\r\nx-request-id: %b\r\nx-a: b\r\n\r\n9\r\ndata: 1\n\n\r\n"
        % wire.shop.later[0].request_id
    )
    assert await stream.write(b"")
    assert await stream.write(b"x" * 17)
    stream.close()
    stream.close()
    assert bodies(wire) == [b"data: 1\n\n" + b"x" * 17, b"GET /echo? "]
    assert wire.seen == [(200, 26), (200, 11)]
    assert wire.traffic.in_flight == 0


async def test_parts_wait_for_the_answers_before() -> None:
    wire = Wire().send(request("/later") * 3)
    stream = wire.shop.later[1].stream(200, b"text/plain")
    writing = asyncio.create_task(stream.write(b"part"))
    wire.shop.later[2].answer(200, b"third")
    await asyncio.sleep(0)
    assert not wire.out
    wire.shop.later[0].answer(200, b"first")
    assert await writing
    stream.close()
    assert bodies(wire) == [b"first", b"part", b"third"]


async def test_parts_that_ended_before_their_turn() -> None:
    wire = Wire().send(request("/later") * 2)
    wire.shop.later[1].stream(200, b"text/plain").close()
    wire.shop.later[0].answer(200, b"first")
    assert bodies(wire) == [b"first", b""]


async def test_parts_wait_for_a_slow_reader() -> None:
    wire = Wire().send(request("/later"))
    stream = wire.shop.later[0].stream(200, b"text/plain")
    wire.connection.pause_writing()
    writing = asyncio.create_task(stream.write(b"part"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not writing.done()
    wire.connection.resume_writing()
    assert await writing


@pytest.mark.parametrize("begun", [True, False])
async def test_parts_for_a_client_that_left_are_dropped(begun: bool) -> None:
    wire = Wire().send(request("/later") * 2)
    left: list[bool] = []
    wire.shop.later[1].on_gone = lambda: left.append(True)
    stream = wire.shop.later[1].stream(200, b"text/plain")
    if begun:
        wire.shop.later[0].answer(200, b"first")
    wire.connection.pause_writing()
    writing = asyncio.create_task(stream.write(b"part"))
    await asyncio.sleep(0)
    wire.reset()
    assert await writing is False
    assert await stream.write(b"more") is False
    stream.close()
    assert left == [True]
    assert stream.gone
    assert wire.traffic.in_flight == 0


async def test_parts_for_an_old_client_end_with_the_connection() -> None:
    wire = Wire().send(b"GET /later HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
    stream = wire.shop.later[0].stream(200, b"text/plain")
    await stream.write(b"part")
    stream.close()
    assert b"connection: close\r\n" in wire.out
    assert wire.out.endswith(b"\r\n\r\npart")
    assert wire.ended


async def test_parts_for_head_are_dropped() -> None:
    wire = Wire().send(request("/later", method="HEAD"))
    stream = wire.shop.later[0].stream(200, b"text/plain")
    await stream.write(b"part")
    stream.close()
    assert wire.out.endswith(b"\r\n\r\n")
    assert b"part" not in wire.out


async def test_parts_that_fail_leave_the_answer_visibly_cut() -> None:
    wire = Wire().send(request("/later"))
    stream = wire.shop.later[0].stream(200, b"text/plain")
    await stream.write(b"part")
    stream.fail()
    assert wire.aborted
    assert wire.told == []


async def test_the_last_stream_says_so() -> None:
    wire = Wire().send(request("/later"))
    wire.leaving = True
    stream: Stream = wire.shop.later[0].stream(200, b"text/plain")
    stream.close()
    assert wire.told[0].headers["connection"] == "close"
    assert wire.ended


async def test_a_stream_waits_its_turn_to_be_the_last() -> None:
    wire = Wire().send(request("/later") * 2)
    stream = wire.shop.later[0].stream(200, b"text/plain")
    wire.leaving = True
    stream.close()
    wire.shop.later[1].answer(200, b"second")
    assert [told.headers.get("connection") for told in wire.told] == [None, "close"]


async def test_parts_for_a_client_that_left_before_are_dropped() -> None:
    wire = Wire().send(request("/later"))
    wire.reset()
    stream = wire.shop.later[0].stream(200, b"text/plain")
    assert await stream.write(b"part") is False
    stream.close()
    stream.fail()
    assert not wire.out
