"""The data plane as a door sees it: find, submit, count, and what it tells of itself."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.unit.runtime.awaited import Awaited
from tests.unit.runtime.batching_fakes import Doubling
from tests.unit.runtime.plane_fakes import Desk, served

from moorage_runtime.config import Batcher, Cache, Limits, RuntimeConfig, Source
from moorage_runtime.dataplane import plane as planes
from moorage_runtime.dataplane.call import Call
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.engines.engine import Cancel
from moorage_runtime.errors import RequestFault
from moorage_runtime.repository.catalogue import Catalogue
from moorage_runtime.repository.served import Served
from moorage_runtime.routing import Routes
from moorage_runtime.steps import finish
from moorage_runtime.tensors import Array

SLOW = 0.01
X = {"x": np.ones((1, 2), np.float32)}


class Gate(Doubling):
    """Runs until it is let through, or cancelled."""

    def __init__(self) -> None:
        super().__init__()
        self.through = threading.Event()
        self.cancelled = threading.Event()

    def infer(
        self, inputs: Mapping[str, Array], outputs: Sequence[str] | None = None, cancel: Cancel | None = None
    ) -> dict[str, Array]:
        if cancel is not None:
            cancel.on_call(self._stop)
        assert self.through.wait(10)
        return super().infer(inputs, outputs, cancel)

    def _stop(self) -> None:
        self.cancelled.set()
        self.through.set()


class World:
    def __init__(self, engine: Any = None, cost: float = 1e-6, **configuration: Any) -> None:
        self.config = RuntimeConfig(
            model="fraud", version="3", revision="abc", source=Source(uri="file:///m"), **configuration
        )
        self.catalogue = Catalogue(["fraud"], lambda old: self.plane.retire(old))
        self.plane = DataPlane(self.config, self.catalogue, Routes(Path("/nowhere"), "abc"))
        self.served = served(engine or Doubling(), cost)
        self.catalogue.install(self.served)

    async def infer(self, x: Any = None, seconds: float = 5.0, what: Served | None = None) -> Mapping[str, Array]:
        inputs = X if x is None else {"x": np.asarray(x, np.float32)}
        now = time.monotonic()
        call = Awaited(inputs, None, now, now + seconds)
        self.plane.submit(what or self.served, call, "grpc")
        try:
            return await call.future
        finally:
            call.gone = True

    def ends(self) -> dict[str, int]:
        door = self.plane.metrics.model("fraud", "3").doors["grpc"]
        return {name: count for name, count in door.outcomes() if count}


@pytest.mark.parametrize("cost", [1e-6, SLOW])
async def test_many_at_once_each_get_their_own_answer(cost: float) -> None:
    world = World(cost=cost)
    answers = await asyncio.gather(*(world.infer([[number, 1.0]]) for number in range(200)))
    assert [answer["sum"].tolist() for answer in answers] == [[number + 1.0] for number in range(200)]
    assert world.ends() == {"ok": 200}
    assert len(world.served.engine.runs) < 200  # type: ignore[attr-defined]


@pytest.mark.parametrize("cost", [1e-6, SLOW])
async def test_a_model_that_fails_says_so_without_its_words(cost: float, caplog: pytest.LogCaptureFixture) -> None:
    world = World(cost=cost)
    for _ in range(3):
        with pytest.raises(RequestFault) as caught:
            await world.infer([[np.nan, 1.0]])
        assert (caught.value.status, caught.value.reason) == (500, "InferenceFailed")
        assert "secret" not in caught.value.message
    assert [record.message for record in caplog.records] == ["inference failed"], "the log hears the first of many"
    assert caplog.records[0].exc_info


class Nice(Doubling):
    """Remembers how nice the thread was that ran it."""

    seen: int | None = None

    def infer(
        self, inputs: Mapping[str, Array], outputs: Sequence[str] | None = None, cancel: Cancel | None = None
    ) -> dict[str, Array]:
        self.seen = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        return super().infer(inputs, outputs, cancel)


async def test_a_slow_run_gives_way_to_the_loop() -> None:
    before, engine = os.getpriority(os.PRIO_PROCESS, 0), Nice()
    await World(engine, SLOW).infer()
    assert engine.seen == min(19, before + planes.NICE)
    assert os.getpriority(os.PRIO_PROCESS, 0) == before


async def test_what_an_engine_blames_on_the_request_is_told_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    class Blaming(Doubling):
        def infer(self, *_: Any, **__: Any) -> dict[str, Array]:
            raise RequestFault(400, "InvalidRequest", "inputs[0]: too long")

    with pytest.raises(RequestFault, match="too long"):
        await World(Blaming()).infer()
    assert not caplog.records


async def test_a_call_that_nobody_awaits_any_more_is_cancelled() -> None:
    gate = Gate()
    world = World(gate, SLOW)
    waiting = asyncio.create_task(world.infer())
    await asyncio.sleep(0.02)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await asyncio.to_thread(gate.cancelled.wait, 5)
    assert (world.ends(), world.plane.in_flight) == ({"cancelled": 1}, 0)


async def test_a_deadline_ends_the_run_and_leaves_the_loop_free() -> None:
    gate = Gate()
    world = World(gate, SLOW)
    began = time.monotonic()
    with pytest.raises(RequestFault, match=r"did not answer within 0\.1 s") as caught:
        await world.infer(seconds=0.1)
    assert caught.value.status == 504
    assert 0.1 <= time.monotonic() - began < 0.3
    assert await asyncio.to_thread(gate.cancelled.wait, 5)


async def test_what_a_door_refuses_is_counted_at_its_door() -> None:
    world = World()
    world.plane.count(RequestFault(400, "InvalidRequest", "no"), time.monotonic(), "grpc")
    world.plane.count(RequestFault(422, "InvalidFeature", "no"), time.monotonic(), "features", world.served)
    assert world.ends() == {"refused": 1}
    assert dict(world.plane.metrics.model("fraud", "3").doors["features"].outcomes())["refused"] == 1
    world.plane.count(RequestFault(400, "InvalidRequest", "no"), time.monotonic(), "v2", world.served, received=300)
    assert world.plane.metrics.model("fraud", "3").doors["v2"].received == 300


async def test_a_version_is_in_the_metrics_from_the_moment_it_answers() -> None:
    world = World()
    told = finish(world.plane.metrics.steps()).decode()
    assert 'moorage_load_seconds{model="fraud",version="3"} 0.5' in told
    assert 'moorage_requests_total{model="fraud",version="3",door="v2",outcome="ok"} 0' in told
    world.plane.catalogue.remove("fraud", "unloaded")
    assert 'model="fraud"' not in finish(world.plane.metrics.steps()).decode()


class Loud(Call):
    def answered(self, outputs: Mapping[str, Array]) -> None:
        raise self.error

    def refused(self, fault: RequestFault) -> None:
        self.heard = fault

    heard: RequestFault
    error: Exception


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError("secret"), 500), (RequestFault(406, "Unspeakable", "no words"), 406)]
)
async def test_an_answer_that_its_door_cannot_tell_is_that_calls_own_trouble(error: Exception, status: int) -> None:
    world = World()
    call = Loud(X, None, time.monotonic(), time.monotonic() + 5)
    call.error = error
    world.plane.submit(world.served, call, "grpc")
    assert (await world.infer())["sum"].tolist() == [2.0]
    assert call.heard.status == status
    assert "secret" not in call.heard.message
    assert sum(world.ends().values()) == 2


async def test_a_replaced_version_answers_what_was_routed_to_it_and_is_freed_when_it_rests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(planes, "RETIRE_SECONDS", 0.05)
    gate, closed = Gate(), threading.Event()
    monkeypatch.setattr(gate, "close", closed.set)
    world = World(gate, SLOW)
    old = asyncio.create_task(world.infer())
    await asyncio.sleep(0.01)
    new = msgspec.structs.replace(served(Doubling(), 1e-6), version="4")
    world.catalogue.install(new)
    assert (await world.infer(what=new))["sum"].tolist() == [2.0]
    await asyncio.sleep(0.1)
    assert not closed.is_set(), "a call is under way"
    gate.through.set()
    assert (await old)["sum"].tolist() == [2.0]
    assert (await world.infer())["sum"].tolist() == [2.0]
    assert await asyncio.to_thread(closed.wait, 5)
    await asyncio.sleep(0)
    with pytest.raises(RequestFault) as caught:
        await world.infer()
    assert (caught.value.status, caught.value.headers) == (503, ((b"retry-after", b"1"),))


async def test_a_cache_in_this_process_answers_without_a_run() -> None:
    world = World(cache=Cache(max_entries=10))
    for _ in range(3):
        await world.infer()
    assert world.served.engine.runs == [1]  # type: ignore[attr-defined]
    assert world.plane.metrics.model("fraud", "3").cache == {"HIT": 2, "MISS": 1, "COALESCED": 0, "BYPASS": 0}


async def test_the_state_tells_a_reader_how_requests_are_run() -> None:
    world = World(
        cache=Cache(max_entries=10, ttl_seconds=5), limits=Limits(concurrency=7, queue=3), batcher=Batcher(16)
    )
    world.plane.open(world.served)
    state = world.plane.state()
    assert state["batching"] == {"fraud": {"runs": "together", "rowsTogether": 16, "microsecondsARow": 1.0}}
    assert state["limits"] == {"concurrency": 7, "queue": 3}
    assert state["cache"] == {"in": "memory", "maxEntries": 10, "ttlSeconds": 5}
    assert state["inFlight"] == 0
    assert msgspec.json.encode(state)


def test_what_a_model_costs_decides_where_it_runs() -> None:
    assert Desk(1e-6).lane.facts()["runs"] == "together"
    assert Desk(1e-6, batchable=False).lane.facts()["runs"] == "at once"
    assert Desk(1e-6, most=1).lane.facts()["runs"] == "at once"
    assert Desk(0.01).lane.facts()["runs"] == "threads"


def test_a_large_request_to_a_fast_model_leaves_the_loop_free() -> None:
    desk = Desk(1e-4)
    small, large = desk.ask(), desk.ask(np.ones((100, 2)))
    desk.loop.settle()
    assert (small.status, large.status, len(desk.threads.works)) == (200, 0, 1)
    desk.rest()
    assert large.status == 200


def test_when_and_with_whom_a_call_ran_is_told_only_to_who_asks() -> None:
    for watched in (False, True):
        desk = Desk(watched=watched)
        calls = [desk.ask(), desk.ask()]
        desk.rest()
        assert [call.run and call.run[2] for call in calls] == ([2, 2] if watched else [None, None])


def test_failures_are_logged_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    with caplog.at_level(logging.ERROR):
        for _ in range(5):
            desk.ask([[np.nan, 0.0]])
            desk.rest()
        desk.loop.sleep(11)
        desk.ask([[np.nan, 0.0]])
        desk.rest()
    assert [record.suppressed for record in caplog.records] == [0, 4]  # type: ignore[attr-defined]
