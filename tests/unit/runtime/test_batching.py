"""Running together: who shares a run, what each gets, when it happens, and what becomes of a bad one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.runtime.batching_fakes import Doubling, Heard, Loop, Threads

from moorage_runtime.batching import together
from moorage_runtime.batching.groups import Groups, rows_of
from moorage_runtime.batching.member import Member
from moorage_runtime.batching.pace import Pace
from moorage_runtime.batching.turn import Turn
from moorage_runtime.batching.workers import Workers
from moorage_runtime.errors import RequestFault
from moorage_runtime.tensors import Array, TensorSpec

BUDGET = 0.001
FOREVER = 1e9


class Seen:
    """A witness that writes down."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.at_once = 0
        self.failures = 0
        self.splits: list[str] = []
        self.abandoned_now = 0

    def ran(self, members: Sequence[Member], rows: int, began: float, seconds: float) -> None:
        self.rows.append(rows)

    def ran_at_once(self, member: Member, seconds: float) -> None:
        self.at_once += 1

    def failed(self, error: Exception) -> None:
        self.failures += 1

    def split(self, reason: str) -> None:
        self.splits.append(reason)

    def abandoned(self, change: int) -> None:
        self.abandoned_now += change


class Bench:
    def __init__(self, cost: float = 1e-6, most: int = 64, window: float = 0.0, slots: int = 2, **engine: Any) -> None:
        self.loop, self.threads, self.seen = Loop(), Threads(), Seen()
        self.engine = Doubling(self.loop, cost, **engine)
        pace = Pace(((1, cost), (8, 8 * cost)), BUDGET)
        self.turn: Turn[Heard] = Turn(
            self.engine, pace, self.seen, self.loop, self.loop.clock, most=most, window=window, budget=BUDGET
        )
        self.workers: Workers[Heard] = Workers(
            self.engine,
            pace,
            self.seen,
            self.loop,
            self.threads,
            self.loop.clock,
            slots=slots,
            most=most,
            window=window,
        )

    def member(self, rows: int = 1, value: float = 1.0, width: int = 2, timeout: float = FOREVER, **more: Any) -> Heard:
        return Heard(np.full((rows, width), value, np.float32), self.loop.now + timeout, self.loop.now, **more)


def answer(member: Heard) -> Array:
    (end,) = member.ends
    assert not isinstance(end, RequestFault)
    return end["y"]


def test_what_arrives_in_one_turn_runs_together_and_each_gets_its_own_rows() -> None:
    bench = Bench()
    members = [bench.member(rows, value) for rows, value in ((1, 1.0), (3, 2.0), (2, 3.0))]
    for member in members:
        bench.turn.add(member)
    assert bench.engine.runs == []
    bench.loop.turn()
    assert bench.engine.runs == [6]
    for member, rows, value in zip(members, (1, 3, 2), (2.0, 4.0, 6.0), strict=True):
        assert answer(member).tolist() == [[value, value]] * rows


def test_parts_of_a_batch_are_views_and_no_copies() -> None:
    whole = np.arange(8.0).reshape(4, 2)
    for rows in ([2, 2], [1, 3]):
        parts = together.parts({"y": whole}, rows)
        assert all(np.shares_memory(part["y"], whole) for part in parts)


def test_a_run_has_at_most_so_many_rows_but_a_larger_request_is_not_cut() -> None:
    bench = Bench(most=4)
    for rows in (3, 2, 9, 1):
        bench.turn.add(bench.member(rows))
    bench.loop.settle()
    assert bench.engine.runs == [3, 2, 9, 1]


@pytest.mark.parametrize("other", [{"width": 3}, {"outputs": ("y",)}])
def test_shapes_and_wanted_outputs_never_mix(other: dict[str, Any]) -> None:
    bench = Bench()
    members = [bench.member(), bench.member(**other), bench.member(), bench.member(**other)]
    for member in members:
        bench.turn.add(member)
    bench.loop.settle()
    assert bench.engine.runs == [2, 2]
    assert [set(member.ends[0]) for member in members[1::2]] == [set(other.get("outputs", ("y", "sum")))] * 2  # type: ignore[arg-type]


def test_datatypes_of_text_never_mix() -> None:
    groups: Groups[Heard] = Groups({"x": TensorSpec("x", "BYTES", (-1,))})
    for dtype in ("U3", "S3", "O"):
        groups.add(Heard(np.array(["abc"]).astype(dtype), FOREVER, 0.0))
    assert [len(groups.take(1.0, 64)) for _ in range(4)] == [1, 1, 1, 0]


def test_inputs_without_a_common_first_length_run_alone() -> None:
    assert rows_of({"a": np.zeros((2, 1)), "b": np.zeros((3, 1))}) == 0
    assert rows_of({"a": np.zeros(()), "b": np.zeros((3, 1))}) == 0
    assert rows_of({"a": np.zeros((0, 4))}) == 0
    assert rows_of({"a": np.zeros((2, 1)), "b": np.zeros(2)}) == 2
    bench = Bench()
    for member in (bench.member(), bench.member(2, counted=0), bench.member()):
        bench.turn.add(member)
    bench.loop.settle()
    assert bench.engine.runs == [1, 2, 1]


def test_one_bad_row_fails_one_request() -> None:
    bench = Bench()
    members = [bench.member(value=value) for value in (1.0, np.nan, 3.0)]
    for member in members:
        bench.turn.add(member)
    bench.loop.settle()
    assert [member.status for member in members] == [200, 500, 200]
    assert (bench.seen.splits, bench.seen.failures) == (["failed"], 1)
    fault = members[1].ends[0]
    assert isinstance(fault, RequestFault)
    assert "secret" not in fault.message


@pytest.mark.parametrize("way", ["turn", "workers"])
def test_a_batch_that_gives_other_rows_than_it_got_is_run_one_by_one(way: str) -> None:
    bench = Bench(extra=1)
    members = [bench.member(value=value) for value in (1.0, 2.0)]
    for member in members:
        getattr(bench, way).add(member)
    bench.loop.settle()
    while bench.threads.works:
        bench.threads.end()
        bench.loop.settle()
    assert bench.seen.splits == ["rows"]
    assert [answer(member).tolist() for member in members] == [[[2.0, 2.0]], [[4.0, 4.0]]]


def test_the_loop_is_not_kept_longer_than_its_budget() -> None:
    bench = Bench(cost=0.0004, most=64)
    for _ in range(8):
        bench.turn.add(bench.member())
    bench.loop.turn()
    assert bench.engine.runs == [2, 2]
    bench.loop.turn()
    assert bench.engine.runs == [2, 2, 2, 2]


def test_what_waits_behind_a_crowd_is_refused_at_its_deadline_and_not_when_its_turn_comes() -> None:
    bench = Bench(cost=0.0009)
    crowd = [bench.member() for _ in range(200)]
    late = bench.member(timeout=0.02)
    for member in (*crowd, late):
        bench.turn.add(member)
    while not late.ends:
        bench.loop.turn()
    assert late.status == 504
    assert bench.loop.now - late.deadline < 0.02
    assert not crowd[-1].ends
    bench.loop.settle(300)
    assert {member.status for member in crowd} == {200}


def test_a_window_waits_for_company_until_it_is_over_or_full() -> None:
    bench = Bench(most=4, window=0.002)
    bench.turn.add(bench.member())
    bench.loop.sleep(0.001)
    bench.turn.add(bench.member())
    bench.loop.sleep(0.0009)
    assert bench.engine.runs == []
    bench.loop.sleep(0.0002)
    assert bench.engine.runs == [2]
    for _ in range(4):
        bench.turn.add(bench.member())
    bench.loop.turn()
    assert bench.engine.runs == [2, 4]


def test_a_window_never_outlasts_a_deadline() -> None:
    bench = Bench(cost=1e-6, window=1.0)
    member = bench.member(timeout=0.1)
    bench.turn.add(member)
    bench.loop.sleep(0.1)
    assert member.status == 200


def test_while_nobody_else_asks_a_request_does_not_wait_for_its_turns_end() -> None:
    bench = Bench()
    for _ in range(8):
        bench.turn.add(bench.member())
        assert bench.seen.at_once == 0
        bench.loop.settle()
    for turn in range(1, 4):
        bench.turn.add(bench.member())
        assert bench.seen.at_once == turn
        bench.loop.settle()


def test_as_soon_as_two_ask_in_one_turn_all_that_follow_run_together() -> None:
    bench = Bench()
    for _ in range(8):
        bench.turn.add(bench.member())
        bench.loop.settle()
    members = [bench.member() for _ in range(4)]
    for member in members:
        bench.turn.add(member)
    assert [member.status for member in members] == [200, 0, 0, 0]
    bench.loop.turn()
    assert bench.engine.runs[-2:] == [1, 3]
    for _ in range(2):
        bench.turn.add(bench.member())
    bench.loop.turn()
    assert bench.engine.runs[-1] == 2
    assert bench.seen.at_once == 1


def test_a_poisoned_warm_up_is_lived_down() -> None:
    bench = Bench(cost=0.0)
    bench.engine.price = lambda rows: 4e-4 + rows * 2e-5
    pace = Pace(((1, 4e-4), (8, 0.1)), BUDGET)
    turn: Turn[Heard] = Turn(
        bench.engine, pace, bench.seen, bench.loop, bench.loop.clock, most=64, window=0.0, budget=BUDGET
    )
    assert turn.rows == 2
    for _ in range(400):
        for _ in range(16):
            turn.add(bench.member())
        bench.loop.settle()
    assert turn.rows >= 16


def test_who_left_or_is_late_is_not_run() -> None:
    bench = Bench()
    gone, late, well = bench.member(), bench.member(timeout=0.001), bench.member()
    for member in (gone, late, well):
        bench.turn.add(member)
    gone.gone = True
    bench.loop.now += 0.002
    bench.loop.settle()
    assert bench.engine.runs == [1]
    assert [member.status for member in (gone, late, well)] == [499, 504, 200]


def test_while_all_threads_run_what_waits_runs_together_next() -> None:
    bench = Bench(slots=1)
    first = bench.member()
    bench.workers.add(first)
    bench.loop.turn()
    others = [bench.member() for _ in range(5)]
    for member in others:
        bench.workers.add(member)
        bench.loop.settle()
    assert len(bench.threads.works) == 1
    bench.threads.end()
    bench.loop.settle()
    bench.threads.end()
    bench.loop.settle()
    assert bench.engine.runs == [1, 5]
    assert {member.status for member in (first, *others)} == {200}


def test_a_run_is_cancelled_only_when_nobody_waits_for_it() -> None:
    bench = Bench()
    short, long = bench.member(timeout=0.01), bench.member(timeout=0.2)
    bench.workers.add(short)
    bench.workers.add(long)
    bench.loop.turn()
    ((_, (run,)),) = bench.threads.works
    bench.loop.sleep(0.012)
    assert (short.status, long.status, run.cancel.called) == (504, 0, False)
    bench.loop.sleep(0.2)
    assert (long.status, run.cancel.called, bench.seen.abandoned_now) == (504, True, 1)
    bench.threads.end()
    bench.loop.settle()
    assert bench.seen.abandoned_now == 0
    assert len(short.ends) == len(long.ends) == 1


def test_who_was_refused_at_its_deadline_does_not_hear_of_the_run_it_shared() -> None:
    bench = Bench()
    short, gone, long = bench.member(timeout=0.01), bench.member(), bench.member()
    for member in (short, gone, long):
        bench.workers.add(member)
    bench.loop.turn()
    gone.gone = True
    bench.loop.sleep(0.07)
    bench.threads.end()
    bench.loop.settle()
    assert [member.status for member in (short, gone, long)] == [504, 499, 200]


def test_a_client_that_leaves_a_run_is_noticed_within_a_twentieth_of_a_second() -> None:
    bench = Bench()
    member = bench.member()
    bench.workers.add(member)
    bench.loop.turn()
    member.gone = True
    bench.loop.sleep(0.051)
    assert member.status == 499


def test_nothing_is_left_ticking_when_nobody_waits() -> None:
    bench = Bench()
    bench.workers.add(bench.member())
    bench.loop.turn()
    bench.threads.end()
    bench.loop.sleep(1.0)
    assert bench.loop.timers == []


def test_the_queue_counts_only_those_who_wait_for_a_run_to_end() -> None:
    bench = Bench(slots=1)
    assert not bench.workers.full(0)
    bench.workers.add(bench.member())
    bench.loop.turn()
    assert bench.workers.full(0)
    assert not bench.workers.full(1)
    bench.workers.add(bench.member())
    assert bench.workers.full(1)


def test_what_cannot_run_together_needs_a_thread_each() -> None:
    bench = Bench(slots=2, most=1)
    for _ in range(2):
        assert not bench.workers.full(0)
        bench.workers.add(bench.member())
    assert bench.workers.full(0)
    bench.loop.turn()
    assert bench.workers.full(0)
    assert len(bench.threads.works) == 2


@given(
    samples=st.sampled_from([((1, 1e-4),), ((1, 1e-4), (8, 3e-4)), ((3, 1e-3), (9, 1e-4))]),
    runs=st.lists(st.tuples(st.integers(1, 64), st.floats(0.0, 1.0))),
)
def test_an_estimate_is_never_negative_and_never_grows_smaller_with_more_rows(samples: Any, runs: Any) -> None:
    pace = Pace(samples, BUDGET)
    for rows, seconds in runs:
        pace.learn(rows, seconds)
    costs = [pace.seconds(rows) for rows in range(1, 100)]
    assert costs == sorted(costs)
    assert costs[0] >= 0
    if 0 < pace.rows < 1 << 30:
        assert pace.seconds(pace.rows) <= BUDGET * 1.001 < pace.seconds(pace.rows + 1) * 1.002


def test_an_estimate_follows_what_most_runs_take_and_not_the_few_that_were_interrupted() -> None:
    pace = Pace(((1, 1e-4), (8, 2e-4)), BUDGET)
    for turn in range(2000):
        pace.learn(1, 5.0 if turn % 5 == 0 else 3e-4)
    assert pace.seconds(1) == pytest.approx(3e-4, rel=0.15)


def test_more_rows_than_save_anything_do_not_run_together() -> None:
    assert Pace(((1, 0.020), (8, 0.159)), BUDGET).worth(64) == 1
    assert Pace(((1, 1.25e-4), (8, 3.45e-4)), BUDGET).worth(64) == 24
    assert Pace(((1, 0.2),), BUDGET).worth(64) == 1
    assert Pace(((1, 0.0), (8, 0.0)), BUDGET).worth(64) == 64
