"""More than can be answered: who is turned away, at what cost, and what it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.runtime.plane_fakes import Desk
from tests.unit.runtime.pod import Pod

from moorage_runtime.dataplane.drainage import Drainage


def test_what_comes_beyond_the_concurrency_is_429_before_any_work() -> None:
    desk = Desk(concurrency=3)
    calls = [desk.ask() for _ in range(5)]
    assert [call.status for call in calls] == [0, 0, 0, 429, 429]
    assert desk.engine.runs == []
    fault = calls[-1].ends[0]
    assert (fault.reason, fault.headers) == ("Overloaded", ((b"retry-after", b"1"),))
    desk.rest()
    assert [call.status for call in calls] == [200, 200, 200, 429, 429]
    assert desk.ask().status == 0


def test_the_queue_is_what_waits_while_every_thread_runs() -> None:
    desk = Desk(cost=0.01, queue=2, batchable=False)
    calls = [desk.ask() for _ in range(7)]
    assert [call.status for call in calls] == [0] * 6 + [429]
    desk.loop.settle()
    assert len(desk.threads.works) == 4


def test_a_queue_of_none_still_uses_every_thread() -> None:
    desk = Desk(cost=0.01, queue=0, batchable=False)
    assert [desk.ask().status for _ in range(5)] == [0] * 4 + [429]


def test_a_fast_model_needs_no_queue() -> None:
    desk = Desk(queue=0)
    calls = [desk.ask() for _ in range(50)]
    desk.rest()
    assert {call.status for call in calls} == {200}


def test_an_answer_that_is_remembered_needs_no_room_in_the_queue() -> None:
    desk = Desk(cost=0.01, queue=0, batchable=False, cache=True)
    first = desk.ask([[9.0, 9.0]])
    desk.rest()
    busy = [desk.ask([[float(n), 0.0]]) for n in range(4)]
    desk.loop.settle()
    again, other = desk.ask([[9.0, 9.0]]), desk.ask([[8.0, 8.0]])
    assert (first.cache_state, again.cache_state) == ("MISS", "HIT")
    assert [first.status, again.status, other.status] == [200, 200, 429]
    assert [call.status for call in busy] == [0] * 4


def test_the_time_to_come_back_is_measured() -> None:
    drainage = Drainage()
    assert drainage.seconds(1000, 0, 0.01, now=100.0) == 10
    assert drainage.seconds(1000, 50, 0.01, now=101.0) == 20
    assert drainage.seconds(1000, 60, 0.01, now=101.5) == 20
    assert drainage.seconds(1000, 250, 0.01, now=103.0) == 10


def test_nobody_is_told_to_come_back_at_once_or_never() -> None:
    drainage = Drainage()
    assert drainage.seconds(1, 0, 1e-6, now=0.0) == 1
    assert drainage.seconds(10**6, 0, 1.0, now=0.1) == 60
    assert drainage.seconds(5, 0, 1e-6, now=1.5) == 60


def test_what_was_before_a_quiet_time_says_nothing_of_this_rush() -> None:
    drainage = Drainage()
    drainage.seconds(10, 0, 0.1, now=0.0)
    assert drainage.seconds(100, 1, 0.1, now=1.0) == 60
    assert drainage.seconds(100, 1, 0.1, now=60.0) == 10


@pytest.mark.parametrize("cost", [1e-6, 0.01])
def test_a_call_that_is_late_when_it_comes_costs_no_run(cost: float) -> None:
    desk = Desk(cost)
    call = desk.ask(timeout=0.0)
    assert call.status == 504
    desk.rest()
    assert desk.engine.runs == []


def test_a_door_can_ask_before_it_reads_anything() -> None:
    desk = Desk(concurrency=2)
    assert desk.lane.crowded() is None
    calls = [desk.ask(), desk.ask()]
    fault = desk.lane.crowded()
    assert fault is not None
    assert (fault.status, fault.reason) == (429, "Overloaded")
    desk.rest()
    assert desk.lane.crowded() is None
    assert {call.status for call in calls} == {200}


@pytest.mark.parametrize(("cache", "crowded"), [(False, True), (True, False)])
def test_a_full_queue_turns_away_all_but_what_may_be_remembered(cache: bool, crowded: bool) -> None:
    desk = Desk(cost=0.01, queue=0, batchable=False, cache=cache)
    for number in range(4):
        desk.ask([[float(number), 0.0]])
    assert (desk.lane.crowded() is not None) is crowded


async def test_real_clients_beyond_the_limit_are_told_when_to_come_back(
    artifacts: Path, pod: Callable[..., Pod]
) -> None:
    slow = pod(f"file://{artifacts / 'slow'}", limits={"concurrency": 2})
    assert slow.download().returncode == 0
    slow.serve()
    asked = {"inputs": [{"name": "x", "shape": [256, 512], "datatype": "FP32", "data": [0.5] * 256 * 512}]}
    body = json.dumps(asked).encode()
    answers = await asyncio.gather(
        *(asyncio.to_thread(slow.ask, "POST", "/v2/models/fraud/infer", body) for _ in range(8))
    )
    statuses = [status for status, _, _ in answers]
    assert set(statuses) == {200, 429}
    for status, headers, content in answers:
        if status == 429:
            assert 1 <= int(headers["retry-after"]) <= 60
            assert "too many requests" in json.loads(content)["error"]
    assert slow.ask("POST", "/v2/models/fraud/infer", body)[0] == 200
