"""Any order of arrivals, deadlines, leaving clients, failing rows and slow runs: what holds for every call."""

from __future__ import annotations

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.unit.runtime.batching_fakes import Doubling
from tests.unit.runtime.plane_fakes import Desk, Told

CONCURRENCY, QUEUE, MOST = 12, 4, 8


class Lanes(RuleBasedStateMachine):
    @initialize(
        cost=st.sampled_from([1e-6, 3e-4, 0.01]),
        window=st.sampled_from([0.0, 0.02]),
        batchable=st.booleans(),
        cache=st.booleans(),
        extra=st.sampled_from([0, 0, 0, 1]),
    )
    def begin(self, cost: float, window: float, batchable: bool, cache: bool, extra: int) -> None:
        self.desk = Desk(
            cost,
            concurrency=CONCURRENCY,
            queue=QUEUE,
            most=MOST,
            window=window,
            batchable=batchable,
            cache=cache,
            extra=extra,
        )
        self.model = Doubling(extra=extra)
        self.calls: list[Told] = []

    @rule(
        rows=st.sampled_from([0, 1, 1, 1, 2, 5, 20]),
        value=st.sampled_from([1.0, 2.0, 3.0, float("nan")]),
        width=st.sampled_from([2, 2, 3]),
        timeout=st.sampled_from([-1.0, 0.0, 0.004, 0.03, 5.0]),
        outputs=st.sampled_from([None, None, ("sum",), ("sum", "y")]),
        bypass=st.booleans(),
    )
    def arrive(
        self, rows: int, value: float, width: int, timeout: float, outputs: tuple[str, ...] | None, bypass: bool
    ) -> None:
        x = np.full((rows, width), value) + np.arange(rows)[:, None]
        self.calls.append(self.desk.ask(x, timeout, outputs=outputs, cache="bypass" if bypass else None))

    @precondition(lambda self: any(not call.ends for call in self.calls))
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        call = data.draw(st.sampled_from([call for call in self.calls if not call.ends]))
        call.gone = True

    @rule()
    def turn(self) -> None:
        self.desk.loop.turn()

    @rule(seconds=st.sampled_from([0.0001, 0.003, 0.05, 1.0]))
    def wait(self, seconds: float) -> None:
        self.desk.loop.sleep(seconds)

    @precondition(lambda self: self.desk.threads.works)
    @rule(data=st.data())
    def a_run_ends(self, data: st.DataObject) -> None:
        self.desk.threads.end(data.draw(st.integers(0, len(self.desk.threads.works) - 1)))

    @invariant()
    def nobody_hears_twice(self) -> None:
        assert all(len(call.ends) <= 1 for call in self.calls)

    @invariant()
    def who_is_answered_gets_what_the_model_says_to_its_question_alone(self) -> None:
        for call in self.calls:
            if call.status == 200:
                wanted = self.model.infer(call.inputs, call.outputs)
                assert set(call.ends[0]) == set(wanted)
                for name, array in wanted.items():
                    np.testing.assert_array_equal(call.ends[0][name], array)

    @invariant()
    def only_a_bad_row_fails_and_it_always_does(self) -> None:
        for call in self.calls:
            bad = bool(np.isnan(call.inputs["x"]).any())
            assert call.status != (200 if bad else 500)

    @invariant()
    def a_deadline_refuses_nobody_early(self) -> None:
        assert all(call.at >= call.deadline for call in self.calls if call.status == 504)

    @invariant()
    def only_who_left_is_told_so(self) -> None:
        assert all(call.gone for call in self.calls if call.status == 499)

    @invariant()
    def who_is_turned_away_is_told_when_to_come_back(self) -> None:
        for call in self.calls:
            if call.status == 429:
                ((name, seconds),) = call.ends[0].headers
                assert name == b"retry-after"
                assert 1 <= int(seconds) <= 60

    @invariant()
    def the_count_of_calls_under_way_is_exact_and_bounded(self) -> None:
        waiting = sum(not call.ends for call in self.calls)
        assert self.desk.lane.in_flight == waiting <= CONCURRENCY

    @invariant()
    def every_end_is_counted_once(self) -> None:
        statuses = [call.status for call in self.calls if call.ends]
        seen = self.desk.outcomes()
        named = {"ok": 200, "timeout": 504, "failed": 500, "overloaded": 429, "cancelled": 499}
        assert {name: statuses.count(status) for name, status in named.items()} | {"refused": 0} == seen

    @invariant()
    def runs_are_bounded_by_the_batch_or_by_the_one_request_in_it(self) -> None:
        assert all(rows <= MOST or rows == 20 for rows in self.desk.engine.runs)

    def teardown(self) -> None:
        if hasattr(self, "desk"):
            self.desk.loop.sleep(0.1)
            self.desk.rest()
            assert all(call.ends for call in self.calls), "everybody hears in the end"
            self.desk.loop.sleep(10.0)
            assert not self.desk.loop.timers, "and nothing goes on ticking"
            assert self.desk.meter.abandoned == 0


TestLanes = Lanes.TestCase
TestLanes.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
