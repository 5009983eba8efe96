"""Workers over a real queue and looks that the tests script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from moorage_operator.api.records import Key
from moorage_operator.backoff import CAP, EndlessDelays, delay
from moorage_operator.cluster.server import ApiError
from moorage_operator.election import NotLeading
from moorage_operator.errors import ApplyFault
from moorage_operator.workers import Workers
from moorage_operator.workqueue import Priority, WorkQueue

KEY = Key("ns", "demo")


@asynccontextmanager
async def at_work(
    look: Callable[..., Any], *, leading: bool = True, count: int = 2
) -> AsyncIterator[tuple[WorkQueue, asyncio.Event]]:
    queue, event = WorkQueue(), asyncio.Event()
    if leading:
        event.set()
    task = asyncio.create_task(Workers(queue, look, event, count=count).run())
    yield queue, event
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(3):
        while not condition():  # noqa: ASYNC110 - the conditions are plain lists
            await asyncio.sleep(0.005)


async def test_a_look_may_ask_for_another() -> None:
    looks: list[bool] = []

    async def look(_: Key, *, routine: bool) -> float | None:
        looks.append(routine)
        return 0.01 if len(looks) < 3 else None

    async with at_work(look) as (queue, _):
        queue.add(KEY)
        await until(lambda: len(looks) == 3)
        await asyncio.sleep(0.05)
    assert looks == [False, True, True]


@pytest.mark.parametrize(
    "error", [ApiError(503, "Unavailable", "etcd"), ApplyFault("QuotaExceeded", "no"), ValueError("bug"), NotLeading()]
)
async def test_no_error_ends_a_worker(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moorage_operator.workers.delay", lambda _: 0.01)
    looks: list[Key] = []

    async def look(key: Key, **_: bool) -> None:
        looks.append(key)
        if len(looks) == 1:
            raise error

    async with at_work(look, count=1) as (queue, _):
        queue.add(KEY)
        await until(lambda: len(looks) == 2)
        queue.add(Key("ns", "other"))
        await until(lambda: len(looks) == 3)


async def test_nobody_works_without_the_lead() -> None:
    looks: list[Key] = []

    async def look(key: Key, **_: bool) -> None:
        looks.append(key)

    async with at_work(look, leading=False) as (queue, leading):
        queue.add(KEY)
        queue.add(KEY, priority=Priority.ROUTINE)
        await asyncio.sleep(0.05)
        assert looks == []
        leading.set()
        await until(lambda: len(looks) == 1)


async def test_a_slow_key_delays_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moorage_operator.workers.PASS_SECONDS", 0.1)
    looks: list[str] = []

    async def look(key: Key, **_: bool) -> None:
        looks.append(key.name)
        if key == KEY:
            await asyncio.sleep(10)

    async with at_work(look) as (queue, _):
        queue.add(KEY)
        queue.add(Key("ns", "other"))
        await until(lambda: "other" in looks)
        await until(lambda: looks.count("demo") == 2)


def test_delays_double_up_to_the_cap_and_keep_their_jitter() -> None:
    assert [delay(number, lambda: 1.0) for number in (1, 2, 3, 4)] == [0.2, 0.4, 0.8, 1.6]
    assert delay(1000, lambda: 1.0) == CAP
    assert delay(1, lambda: 0.0) == 0.1


def test_endless_delays_start_anew_each_time() -> None:
    delays = EndlessDelays(0.5, 30)
    for _ in range(2):
        taken = [seconds for _, seconds in zip(range(50), delays, strict=False)]
        assert taken[0] <= 0.5
        assert 15 <= taken[49] <= 30
