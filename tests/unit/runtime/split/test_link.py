"""Answers of another server, however they come apart, and whatever they are: one end to every errand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from moorage_runtime.servers.forward.errand import Errand
from moorage_runtime.servers.forward.link import Link
from moorage_runtime.servers.forward.pool import Pool

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nx-model-version: 4\r\ncontent-length: 11\r\n\r\nhello world"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nx-model-version: 4\r\ntransfer-encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Wire(asyncio.Transport):
    """Takes what is sent; nothing is on the other side."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.closed = False

    def write(self, data: Any) -> None:
        self.sent += bytes(data)

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True


class Noted(Errand):
    """Remembers how it ended."""

    def __init__(self) -> None:
        super().__init__(b"POST / HTTP/1.1\r\n\r\n", b"body")
        self.ends: list[tuple[int, dict[bytes, bytes], bytes] | str] = []

    def answered(self, status: int, headers: Mapping[bytes, bytes], body: bytes) -> None:
        self.ends.append((status, dict(headers), body))

    def broke(self, reason: str) -> None:
        self.ends.append(reason)


class Shelf:
    """As much of a pool as a link needs."""

    def __init__(self) -> None:
        self.free: list[Link] = []
        self.again_asked: list[Errand] = []

    def release(self, link: Link) -> None:
        self.free.append(link)

    def forget(self, link: Link) -> None:
        pass

    def again(self, errand: Errand) -> None:
        self.again_asked.append(errand)


def opened() -> tuple[Link, Wire, Shelf]:
    shelf, wire = Shelf(), Wire()
    link = Link(cast(Pool, shelf), 0.0)
    link.connection_made(wire)
    return link, wire, shelf


def parts(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    return [data[one:two] for one, two in pairwise(places)]


@given(st.sampled_from([WHOLE, CHUNKED, CONTINUE + WHOLE]), st.lists(st.integers(0, 200), max_size=8))
def test_an_answer_is_the_same_however_it_comes_apart(data: bytes, cuts: list[int]) -> None:
    link, wire, shelf = opened()
    for _ in range(3):
        errand = Noted()
        link.send(errand)
        for part in parts(data, cuts):
            link.data_received(part)
        ((status, headers, body),) = cast(list[tuple[int, dict[bytes, bytes], bytes]], errand.ends)
        assert (status, body) == (200, b"hello world")
        assert headers[b"content-type"] == b"a/b"
        assert headers[b"x-model-version"] == b"4"
        assert shelf.free.pop() is link
        assert not wire.closed
    assert wire.sent.count(b"POST / HTTP/1.1\r\n\r\nbody") == 3


@given(
    st.sampled_from([WHOLE, CHUNKED]),
    st.lists(st.tuples(st.integers(0, 130), st.binary(min_size=0, max_size=3)), max_size=4),
    st.lists(st.integers(0, 200), max_size=4),
)
def test_whatever_comes_there_is_one_end(data: bytes, changes: list[tuple[int, bytes]], cuts: list[int]) -> None:
    for at, put in changes:
        data = data[:at] + put + data[at + len(put) :]
    link, wire, shelf = opened()
    errand = Noted()
    link.send(errand)
    for part in parts(data, cuts):
        if not wire.closed:
            link.data_received(part)
    link.connection_lost(None)
    assert len(errand.ends) == 1
    assert shelf.again_asked == []
    end = errand.ends[0]
    if not isinstance(end, str):
        assert not any(b"\n" in value or b"\r" in value for value in end[1].values())


def test_a_connection_that_ends_before_any_of_a_second_answer_is_tried_again() -> None:
    link, _, shelf = opened()
    first, second = Noted(), Noted()
    link.send(first)
    link.data_received(WHOLE)
    link.send(second)
    link.connection_lost(None)
    assert (len(first.ends), second.ends, shelf.again_asked) == (1, [], [second])


def test_an_answer_that_has_begun_is_not_asked_for_again() -> None:
    link, _, shelf = opened()
    first, second = Noted(), Noted()
    link.send(first)
    link.data_received(WHOLE)
    link.send(second)
    link.data_received(WHOLE[:5])
    link.connection_lost(None)
    assert (second.ends, shelf.again_asked) == (["ConnectionLost"], [])


def test_who_wants_to_close_is_not_asked_again_and_who_talks_unasked_is_left() -> None:
    link, wire, shelf = opened()
    link.send(Noted())
    link.data_received(WHOLE.replace(b"x-model-version: 4", b"connection: close"))
    assert wire.closed
    assert shelf.free == []
    link, wire, _ = opened()
    link.send(Noted())
    link.data_received(WHOLE)
    link.data_received(b"HTTP/1.1 200 OK\r\n")
    assert wire.closed


def test_an_errand_that_was_given_up_hears_no_more() -> None:
    link, wire, _ = opened()
    errand = Noted()
    link.send(errand)
    errand.give_up()
    assert wire.closed
    link.connection_lost(None)
    assert errand.ends == []
