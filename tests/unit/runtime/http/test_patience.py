"""Clients that are slow, at each point where one can be."""

from __future__ import annotations

import asyncio

import pytest
from tests.unit.runtime.http.wire import Wire, request

from moorage_runtime.servers.http.limits import Limits

SLACK = 1.0


def test_a_connection_that_says_nothing_is_closed() -> None:
    wire = Wire()
    wire.wait(59)
    assert not wire.closed
    wire.wait(1 + SLACK)
    assert wire.closed


def test_an_idle_connection_is_kept_longer_than_load_balancers_wait() -> None:
    wire = Wire().send(request())
    wire.wait(615)
    assert not wire.closed
    wire.send(request())
    wire.wait(615)
    assert wire.statuses == [200, 200]
    wire.wait(5 + SLACK)
    assert wire.closed


def test_a_slow_head_is_refused_within_15_seconds_whatever_drips() -> None:
    wire = Wire()
    for byte in request("/echo", None, "a: " + "b" * 100)[:29]:
        wire.send(bytes([byte]))
        wire.wait(0.5)
    assert wire.statuses == [408]
    wire.wait(3)
    assert wire.closed


def test_the_second_head_has_its_own_time() -> None:
    wire = Wire()
    data = request("/echo", None, "a: " + "b" * 100)
    for _ in range(3):
        wire.send(data[:50])
        wire.wait(11)
        wire.send(data[50:])
    assert wire.statuses == [200] * 3
    wire.wait(100)
    assert not wire.closed


def test_a_body_that_stalls_is_refused() -> None:
    wire = Wire().send(request("/echo", bytes(50_000))[:1000])
    wire.wait(11)
    assert wire.statuses == []
    wire.wait(1 + SLACK)
    assert wire.statuses == [408]


@pytest.mark.parametrize("size", [50_000, 500_000])
def test_a_body_that_drips_is_refused(size: int) -> None:
    wire = Wire().send(request("/echo", bytes(size))[:100])
    for _ in range(40):
        wire.send(bytes(100))
        wire.wait(0.5)
    assert wire.statuses == [408]
    assert wire.service.bodies == 0


def test_a_steady_body_is_read_until_its_whole_time_is_up() -> None:
    wire = Wire().send(request("/echo", bytes(1_000_000))[:100])
    for _ in range(110):
        wire.send(bytes(1000))
        wire.wait(1)
    assert wire.statuses == []
    for _ in range(25):
        wire.send(bytes(1000))
        wire.wait(1)
    assert wire.statuses == [408]


def test_a_refused_body_that_stalls_ends_the_connection_without_a_second_answer() -> None:
    wire = Wire().send(request("/none", bytes(1000))[:-500])
    assert wire.statuses == [404]
    wire.wait(12 + SLACK)
    assert wire.statuses == [404]
    assert wire.ended
    wire.wait(2 + SLACK)
    assert wire.closed


def test_our_own_work_is_not_timed_here() -> None:
    wire = Wire().send(request("/later"))
    wire.wait(10_000)
    assert not wire.closed
    wire.shop.later[0].answer(200, b"")
    wire.wait(600)
    assert not wire.closed


def test_a_client_that_does_not_read_is_cut_off() -> None:
    wire = Wire().send(request("/later"))
    wire.unread = 100_000
    wire.connection.pause_writing()
    wire.wait(11)
    assert not wire.closed
    wire.wait(1 + SLACK)
    assert wire.aborted
    assert wire.shop.later[0].gone


def test_a_client_that_reads_steadily_is_kept() -> None:
    wire = Wire().send(request())
    wire.unread = 1_000_000
    wire.connection.pause_writing()
    for _ in range(50):
        wire.wait(1)
        wire.unread -= 1000
    assert not wire.closed
    wire.wait(12 + SLACK)
    assert wire.aborted


def test_no_more_is_read_from_a_client_that_does_not_read() -> None:
    wire = Wire().send(request())
    wire.connection.pause_writing()
    wire.send(request() * 2)
    assert wire.paused
    assert wire.statuses == [200]
    wire.connection.resume_writing()
    wire.loop.turn()
    assert wire.statuses == [200] * 3


def test_who_does_not_close_after_the_last_answer_is_cut_off() -> None:
    wire = Wire().send(request("/echo", None, "connection: close"))
    wire.wait(1.5)
    assert not wire.closed
    wire.wait(0.5 + SLACK)
    assert wire.aborted


def test_who_still_reads_the_last_answer_is_given_time() -> None:
    wire = Wire().send(request("/later", None, "connection: close"))
    wire.unread = 30_000
    wire.shop.later[0].answer(200, bytes(30_000))
    wire.wait(10)
    assert not wire.closed
    wire.unread = 0
    wire.wait(4)
    assert wire.aborted


def test_too_many_connections_are_told() -> None:
    first = Wire(limits=Limits(connections=1))
    second = Wire(first.shop, limits=Limits(connections=1))
    second.closed = False
    assert first.service.connections == {first.connection}
    # The second one joins the first one's service.
    second.service = first.service
    second.out.clear()
    connection = type(first.connection)(first.service)
    second.connection = connection
    connection.connection_made(second)  # type: ignore[arg-type]
    assert second.statuses == [503]
    assert second.told[0].headers["connection"] == "close"
    assert second.closed
    assert first.send(request()).statuses == [200]


async def test_a_stream_to_a_client_that_does_not_read_ends() -> None:
    wire = Wire().send(request("/later"))
    stream = wire.shop.later[0].stream(200, b"text/plain")
    wire.connection.pause_writing()
    wire.unread = 100_000
    writing = asyncio.create_task(stream.write(b"part"))
    await asyncio.sleep(0)
    wire.wait(12 + SLACK)
    assert await writing is False
