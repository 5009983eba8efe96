"""Large requests are read a bit at a time: one after the other, with others in between."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http.chunks import Chunked
from moorage_runtime.servers.http.exchange import Exchange
from moorage_runtime.servers.http.head import nothing
from moorage_runtime.servers.rest.turns import Turns
from moorage_runtime.steps import Steps


@dataclass
class Asked:
    """As much of an exchange as is needed here."""

    gone: bool = False
    request_id: bytes = b"1"
    head: Any = field(default_factory=nothing)
    statuses: list[int] = field(default_factory=list)

    def answer(self, status: int, *_: object, **__: object) -> None:
        self.statuses.append(status)


def work(seen: list[str], name: str, asked: Asked, fails: Exception | None = None) -> Steps[None]:
    for _ in range(3):
        seen.append(name)
        yield
    if fails is not None:
        raise fails
    asked.answer(200)


async def idle(seen: list[str]) -> None:
    for _ in range(12):
        seen.append(".")
        await asyncio.sleep(0)


def take(*requests: tuple[str, Asked, Exception | None]) -> str:
    """Who had a turn, with a dot for each turn of the others."""
    seen: list[str] = []

    async def run() -> None:
        turns = Turns()
        for name, asked, fails in requests:
            turns.take(cast(Exchange, asked), work(seen, name, asked, fails))
        await idle(seen)

    asyncio.run(run())
    return "".join(seen)


def test_one_after_the_other_with_others_in_between() -> None:
    first, second = Asked(), Asked()
    assert take(("a", first, None), ("b", second, None)).strip(".") == "a.a.a..b.b.b"
    assert first.statuses == second.statuses == [200]


def test_those_that_are_left_are_dropped() -> None:
    left, other = Asked(gone=True), Asked()
    assert take(("a", left, None), ("b", other, None)).replace(".", "") == "bbb"
    assert left.statuses == []
    assert other.statuses == [200]


@pytest.mark.parametrize(("fault", "status"), [(RequestFault(400, "A", "b"), 400), (ValueError("bug"), 500)])
def test_one_that_fails_is_told_and_keeps_nobody(fault: Exception, status: int) -> None:
    failing, other = Asked(), Asked()
    assert take(("a", failing, fault), ("b", other, None)).replace(".", "") == "aaabbb"
    assert failing.statuses == [status]
    assert other.statuses == [200]


def test_very_many_chunks_are_taken_some_at_a_time() -> None:
    count = 10_000
    data = b"1\r\nx\r\n" * count + b"0\r\n\r\nbehind"
    body = Chunked(count)
    at, turns = 0, 0
    while not body.done:
        after = body.feed(data, at)
        assert at < after < len(data)
        at, turns = after, turns + 1
    assert body.body() == b"x" * count
    assert data[at:] == b"behind"
    assert turns == 151


@pytest.mark.parametrize("cut", range(6))
def test_some_at_a_time_wherever_the_data_was_cut(cut: int) -> None:
    count = 5_000
    data = b"1\r\nx\r\n" * count + b"0\r\n\r\n"
    body = Chunked(count)
    assert body.feed(data[:cut], 0) == cut
    rest, at = data[cut:], 0
    while not body.done:
        at = body.feed(rest, at)
    assert at == len(rest)
    assert body.received == count
