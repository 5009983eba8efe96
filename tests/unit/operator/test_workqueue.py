"""The queue with time as an argument: what waits, what runs, what goes first."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage_operator.api.records import Key
from moorage_operator.workqueue import STARVING_AFTER, Backlog, Priority, WorkQueue

A, B, C = (Key("ns", name) for name in "abc")


def test_a_key_added_twice_is_taken_once() -> None:
    backlog = Backlog()
    backlog.add(A, 0)
    backlog.add(A, 1)
    assert backlog.take(2).key == A  # type: ignore[union-attr]
    assert backlog.take(2) is None


def test_a_running_key_is_not_given_to_a_second_worker() -> None:
    backlog = Backlog()
    backlog.add(A, 0)
    backlog.take(0)
    backlog.add(A, 1)
    assert backlog.take(1) is None
    assert backlog.depth() == 0


def test_what_was_added_while_it_ran_makes_one_more_run() -> None:
    backlog = Backlog()
    backlog.add(A, 0)
    backlog.take(0)
    for now in (1, 2, 3):
        backlog.add(A, now)
    backlog.done(A, 4)
    assert backlog.take(4).key == A  # type: ignore[union-attr]
    backlog.done(A, 5)
    assert backlog.take(5) is None


def test_a_delayed_key_ripens() -> None:
    backlog = Backlog()
    backlog.add(A, 0, delay=10)
    assert backlog.take(9.9) is None
    assert backlog.next_due() == 10
    assert backlog.take(10).key == A  # type: ignore[union-attr]
    assert backlog.next_due() is None


def test_the_earlier_of_two_times_wins() -> None:
    backlog = Backlog()
    backlog.add(A, 0, delay=10)
    backlog.add(A, 0, delay=3)
    backlog.add(A, 0, delay=20)
    assert backlog.take(3).key == A  # type: ignore[union-attr]
    backlog.done(A, 3)
    assert backlog.take(100) is None


def test_an_event_replaces_the_delayed_look() -> None:
    backlog = Backlog()
    backlog.add(A, 0, delay=10)
    backlog.add(A, 1)
    backlog.take(1)
    backlog.done(A, 1)
    assert backlog.take(11) is None


def test_urgent_goes_before_routine_and_lifts_it() -> None:
    backlog = Backlog()
    backlog.add(A, 0, priority=Priority.ROUTINE)
    backlog.add(B, 1, priority=Priority.ROUTINE)
    backlog.add(C, 2)
    backlog.add(B, 3)
    taken = [backlog.take(4) for _ in range(3)]
    assert [(job.key, job.priority) for job in taken if job] == [
        (C, Priority.URGENT),
        (B, Priority.URGENT),
        (A, Priority.ROUTINE),
    ]


def test_routine_does_not_starve() -> None:
    backlog = Backlog()
    backlog.add(A, 0, priority=Priority.ROUTINE)
    backlog.add(B, STARVING_AFTER)
    assert backlog.take(STARVING_AFTER + 1).key == A  # type: ignore[union-attr]


def test_the_oldest_age_is_that_of_the_longest_waiting_key() -> None:
    backlog = Backlog()
    assert backlog.oldest(5) == 0
    backlog.add(A, 1)
    backlog.add(B, 3, priority=Priority.ROUTINE)
    assert backlog.oldest(5) == 4
    job = backlog.take(5)
    assert job is not None
    assert job.waited == 4


ADD = st.tuples(
    st.just("add"), st.sampled_from([A, B, C]), st.sampled_from([0.0, 1.0, 5.0]), st.sampled_from(list(Priority))
)
STEPS = st.lists(st.one_of(ADD, st.just(("take",)), st.just(("done",))), max_size=60)


@given(STEPS)
def test_single_flight_and_nothing_lost(steps: list[tuple[object, ...]]) -> None:
    backlog, running, owed, now = Backlog(), [], set(), 0.0
    for step in steps:
        now += 0.5
        if step[0] == "add":
            _, key, delay, priority = step
            backlog.add(key, now, delay=delay, priority=priority)  # type: ignore[arg-type]
            owed.add(key)
        elif step[0] == "take" and (job := backlog.take(now)):
            assert job.key not in running
            running.append(job.key)
            owed.discard(job.key)
        elif step[0] == "done" and running:
            backlog.done(running.pop(0), now)
    while running:
        backlog.done(running.pop(), now)
    while job := backlog.take(now + 100):
        owed.discard(job.key)
        backlog.done(job.key, now + 100)
    assert owed == set()


async def test_a_waiting_worker_wakes_for_a_key() -> None:
    queue = WorkQueue()
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add(A)
    assert (await asyncio.wait_for(waiting, 1)).key == A


async def test_a_waiting_worker_wakes_for_a_ripe_key() -> None:
    queue = WorkQueue()
    queue.add(A, delay=0.02)
    assert (await asyncio.wait_for(queue.get(), 1)).key == A


async def test_two_waiting_workers_share_two_keys() -> None:
    queue = WorkQueue()
    waiting = [asyncio.create_task(queue.get()) for _ in range(2)]
    await asyncio.sleep(0)
    queue.add(A)
    queue.add(B)
    jobs = await asyncio.wait_for(asyncio.gather(*waiting), 1)
    assert {job.key for job in jobs} == {A, B}


@pytest.mark.parametrize("priority", list(Priority))
async def test_done_gives_the_next_run_to_who_waits(priority: Priority) -> None:
    queue = WorkQueue()
    queue.add(A)
    await queue.get()
    queue.add(A, priority=priority)
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    queue.done(A)
    assert (await asyncio.wait_for(waiting, 1)).priority == priority
