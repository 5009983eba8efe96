"""Work that may be left undone, in a real loop: what bounds it, and that it gives way."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine

import pytest

from moorage_runtime.comparing import backlog
from moorage_runtime.comparing.backlog import Backlog


class Bench:
    """A backlog, how many of its jobs ran and were dropped, and a clock that is real until it is set."""

    def __init__(self) -> None:
        self.busy = False
        self.ahead = 0.0
        self.ran = self.dropped = self.running = self.most = 0
        self.go = asyncio.Event()
        self.backlog = Backlog(lambda: self.busy, self.clock)

    def clock(self) -> float:
        return time.monotonic() + self.ahead

    def offer(
        self, times: int = 1, size: int = 100, work: Callable[[], Coroutine[None, None, None]] | None = None
    ) -> None:
        for _ in range(times):
            self.backlog.offer(work or self.quick, self.drop, size)

    def drop(self) -> None:
        self.dropped += 1

    async def quick(self) -> None:
        self.ran += 1

    async def long(self) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.go.wait()
            self.ran += 1
        finally:
            self.running -= 1

    async def until(self, met: Callable[[], bool], seconds: float = 5.0) -> None:
        end = time.monotonic() + seconds
        while not met():
            assert time.monotonic() < end, (self.ran, self.dropped, self.running)
            await asyncio.sleep(0.005)


async def test_all_is_done_when_there_is_room() -> None:
    bench = Bench()
    bench.offer(50)
    assert bench.ran == 0, "never in the way of who offers it"
    await bench.until(lambda: bench.ran == 50)
    assert bench.dropped == 0


async def test_no_more_run_at_once_and_wait_than_may() -> None:
    bench = Bench()
    bench.backlog.concurrency, bench.backlog.queue = 2, 3
    bench.offer(3, work=bench.long)
    await bench.until(lambda: bench.running == 2)
    bench.offer(5, work=bench.long)
    assert bench.dropped == 3
    bench.go.set()
    await bench.until(lambda: bench.ran == 5)
    assert bench.most == 2


async def test_bytes_are_bounded_and_given_back() -> None:
    bench = Bench()
    for done in (8, 16, 24):
        bench.offer(9, size=backlog.BYTES // 8)
        await bench.until(lambda done=done: bench.ran == done)  # type: ignore[misc]
    assert (bench.ran, bench.dropped) == (24, 3)
    bench.busy = True
    bench.offer(9, size=backlog.BYTES // 8)
    bench.backlog.clear()
    assert bench.dropped == 3 + 9
    bench.busy = False
    bench.offer(8, size=backlog.BYTES // 8)
    await bench.until(lambda: bench.ran == 32)


async def test_clients_come_first_and_what_waits_too_long_is_dropped() -> None:
    bench = Bench()
    bench.busy = True
    bench.backlog.spent(0.0, elsewhere=1.0)
    bench.offer(5)
    await asyncio.sleep(0.05)
    assert bench.ran == 0
    bench.ahead = backlog.AGE_SECONDS + 1
    await bench.until(lambda: bench.dropped == 5)
    bench.offer(5)
    bench.busy = False
    await bench.until(lambda: bench.ran == 5)


async def crowd(seconds: float) -> None:
    """Others keep the loop, a few milliseconds each time."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, 0.004))  # noqa: ASYNC251
        await asyncio.sleep(0)


@pytest.mark.parametrize("busy", [True, False])
async def test_while_clients_need_it_little_of_the_time_is_taken_but_some(busy: bool) -> None:
    """Jobs of a millisecond: ten a second are done, not dozens."""
    bench = Bench()
    bench.busy = busy
    began = time.monotonic()

    async def millisecond() -> None:
        bench.ran += 1
        bench.backlog.spent(0.001)

    bench.offer(60, work=millisecond)
    await (asyncio.sleep(0.5) if busy else crowd(0.5))
    assert bench.ran * 0.001 <= 0.002 + backlog.BUSY_SHARE * (time.monotonic() - began)
    await bench.until(lambda: bench.ran >= 3)
    bench.backlog.clear()


async def test_of_the_loops_time_it_takes_a_share() -> None:
    """Each job takes a millisecond, so that twenty must pass before the next; nothing is saved up in the beginning."""
    bench = Bench()
    bench.backlog.queue = 10_000

    async def millisecond() -> None:
        bench.ran += 1
        bench.backlog.spent(0.001)

    began = time.monotonic()
    bench.offer(1000, work=millisecond)
    await asyncio.sleep(0.4)
    share = bench.ran * 0.001 / (time.monotonic() - began)
    assert 0 < share <= backlog.TIME_SHARE * 1.3
    bench.backlog.clear()


async def test_a_job_that_fails_is_told_and_the_next_is_done(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()

    async def broken() -> None:
        raise RuntimeError("a bug")

    bench.backlog.concurrency = 1
    with caplog.at_level(logging.ERROR):
        bench.offer(work=broken)
        bench.offer()
        await bench.until(lambda: bench.ran == 1)
    assert "a comparison failed" in caplog.text


async def test_what_is_cleared_ends() -> None:
    bench = Bench()
    bench.offer(2, work=bench.long)
    await bench.until(lambda: bench.running == 2)
    bench.backlog.clear()
    await bench.until(lambda: bench.running == 0)
    assert bench.ran == 0
