"""The thread that kopf lives in: it starts after a list, starts again after a failure, and stops for good."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from moorage_operator.api.records import Key
from moorage_operator.handlers.watch import Watch

KEY = Key("ns", "demo")


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moorage_operator.handlers.watch.delay", lambda *_, **__: 0.01)


class Scripted(Watch):
    """A watch whose kopf hears one key and then fails."""

    runs = 0

    async def _watch(self) -> None:
        self.runs += 1
        self._hear(KEY)
        await asyncio.sleep(0.01)
        raise RuntimeError("the stream carried an error")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - another thread makes it true
            await asyncio.sleep(0.005)


async def test_it_starts_again_after_every_failure_each_time_after_a_list() -> None:
    heard: list[Key] = []
    lists: list[int] = []

    async def listed() -> None:
        lists.append(len(heard))

    watch = Scripted(asyncio.get_running_loop(), heard.append, listed)
    watch.start()
    await until(lambda: watch.runs >= 3)
    watch.stop()
    assert len(lists) >= 3
    assert heard[0] == KEY


async def test_it_waits_for_the_first_list() -> None:
    may_list = asyncio.Event()

    async def listed() -> None:
        await may_list.wait()

    watch = Scripted(asyncio.get_running_loop(), lambda _: None, listed)
    watch.start()
    await asyncio.sleep(0.05)
    assert watch.runs == 0
    may_list.set()
    await until(lambda: watch.runs >= 1)
    watch.stop()


async def test_nothing_is_heard_after_the_stop() -> None:
    heard: list[Key] = []
    watch = Scripted(asyncio.get_running_loop(), heard.append, lambda: asyncio.sleep(0))
    watch.stop()
    watch._hear(KEY)
    watch.start()
    await asyncio.sleep(0.05)
    assert (heard, watch.runs) == ([], 0)
