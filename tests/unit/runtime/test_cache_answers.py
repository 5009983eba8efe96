"""Equal calls run once; everyone who waits hears exactly once, whatever becomes of the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from moorage_runtime.caching.answers import Answers, Flight
from moorage_runtime.caching.memory import MemoryStore
from moorage_runtime.caching.store import Outputs
from moorage_runtime.errors import RequestFault
from moorage_runtime.tensors import Array


class Loop:
    """Time, and what is to happen in it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Alarm] = []

    def clock(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[..., object], *args: object) -> Alarm:
        self.timers.append(Alarm(self.now + delay, callback))
        return self.timers[-1]

    def wait(self, seconds: float) -> None:
        self.now += seconds
        due = [timer for timer in self.timers if timer.at <= self.now]
        self.timers = [timer for timer in self.timers if timer.at > self.now]
        for timer in due:
            timer.fire()


class Alarm:
    def __init__(self, at: float, callback: Callable[..., object]) -> None:
        self.at = at
        self._callback: Callable[..., object] | None = callback

    def cancel(self) -> None:
        self._callback = None

    def fire(self) -> None:
        if self._callback is not None:
            self._callback()


class Asked:
    """A call that remembers how it ended."""

    def __init__(self, value: float, deadline: float = 10.0, began: float = 0.0) -> None:
        self.inputs: Mapping[str, Array] = {"x": np.array([[value]])}
        self.outputs: tuple[str, ...] | None = None
        self.began = began
        self.deadline = deadline
        self.gone = False
        self.cache_state: str | None = None
        self.run: tuple[float, float, int] | None = None
        self.heard: list[Any] = []

    def finish(self, outputs: Mapping[str, Array]) -> None:
        self.heard.append(float(outputs["y"][0, 0]))

    def fail(self, fault: RequestFault) -> None:
        self.heard.append(fault.status)

    @property
    def told(self) -> tuple[str | None, list[Any]]:
        return self.cache_state, self.heard


class Distant:
    """A remote store whose replies come when they are told to."""

    def __init__(self) -> None:
        self.kept: dict[str, Outputs] = {}
        self.asked: list[tuple[str, Callable[[Outputs | None], None]]] = []

    def fetch(self, key: str, found: Callable[[Outputs | None], None]) -> None:
        self.asked.append((key, found))

    def keep(self, key: str, outputs: Outputs) -> None:
        self.kept[key] = outputs

    def close(self) -> None:
        self.kept.clear()

    def reply(self) -> None:
        asked, self.asked = self.asked, []
        for key, found in asked:
            found(self.kept.get(key))


class House:
    """Answers over a store, and the flights that were started."""

    def __init__(self, store: Any = None) -> None:
        self.loop = Loop()
        self.store: Any = store or MemoryStore(100, 60.0, 1 << 20, self.loop.clock)
        self.answers = Answers("sha256:aa", self.store, self.loop, self.loop.clock)
        self.flights: list[Flight] = []

    def ask(self, value: float, deadline: float = 10.0) -> Asked:
        call = Asked(value, self.loop.now + deadline, self.loop.now)
        self.answers.admit(call, self.flights.append)
        return call

    def answer(self, index: int = -1) -> None:
        flight = self.flights.pop(index)
        flight.finish({"y": flight.inputs["x"] * 2})


def test_the_first_is_a_miss_the_next_a_hit() -> None:
    house = House()
    first = house.ask(3)
    house.answer()
    second, other = house.ask(3), house.ask(4)
    assert (first.told, second.told) == (("MISS", [6.0]), ("HIT", [6.0]))
    assert (other.told, len(house.flights)) == (("MISS", []), 1)


def test_equal_calls_run_once() -> None:
    house = House()
    calls = [house.ask(3) for _ in range(5)]
    assert len(house.flights) == 1
    house.flights[0].run = (1.0, 2.0, 3)
    house.answer()
    assert [call.told for call in calls] == [("MISS", [6.0])] + [("COALESCED", [6.0])] * 4
    assert {call.run for call in calls} == {(1.0, 2.0, 3)}


def test_a_refusal_is_everyones_and_is_never_kept() -> None:
    house = House()
    calls = [house.ask(3), house.ask(3)]
    house.flights.pop().fail(RequestFault(500, "InferenceFailed", "no"))
    assert [call.heard for call in calls] == [[500], [500]]
    again = house.ask(3)
    assert (again.cache_state, len(house.flights)) == ("MISS", 1)


def test_a_leader_that_leaves_takes_nobody_along() -> None:
    house = House()
    leader, follower = house.ask(3), house.ask(3)
    leader.gone = True
    assert not house.flights[0].gone
    house.answer()
    assert (leader.heard, follower.heard) == ([499], [6.0])


def test_a_flight_that_all_left_is_given_up() -> None:
    house = House()
    calls = [house.ask(3), house.ask(3)]
    for call in calls:
        call.gone = True
    (flight,) = house.flights
    assert flight.gone
    flight.fail(RequestFault(499, "ClientGone", "gone"))
    assert [call.heard for call in calls] == [[499], [499]]
    assert house.ask(3).cache_state == "MISS"


def test_each_keeps_his_own_deadline() -> None:
    house = House()
    leader, short, long = house.ask(3, 10), house.ask(3, 2), house.ask(3, 30)
    (flight,) = house.flights
    assert flight.deadline == 30
    house.loop.wait(2.0)
    assert (leader.heard, short.heard, long.heard) == ([], [504], [])
    house.loop.wait(8.0)
    assert (leader.heard, long.heard) == ([504], [])
    house.answer()
    assert (leader.heard, short.heard, long.heard) == ([504], [504], [6.0])


def test_an_answer_that_comes_too_late_for_one_is_kept_for_the_next() -> None:
    house = House()
    late = house.ask(3, 2)
    house.loop.now += 3
    house.answer()
    assert late.heard == [504]
    assert house.ask(3).told == ("HIT", [6.0])


def test_nobody_joins_a_flight_that_has_ended() -> None:
    house = House()
    house.ask(3, 1), house.ask(3, 1)
    (flight,) = house.flights
    flight.fail(RequestFault(504, "DeadlineExceeded", "late"))
    house.ask(3)
    assert len(house.flights) == 2


def test_who_asks_again_while_being_told_gets_a_hit() -> None:
    house = House()
    first = house.ask(3)
    again: list[Asked] = []
    first.finish = lambda outputs: again.append(house.ask(3))  # type: ignore[method-assign]
    house.answer()
    assert [call.told for call in again] == [("HIT", [6.0])]


def test_a_remote_answer_is_a_hit_for_all_who_wait() -> None:
    house = House(Distant())
    house.ask(3)
    house.store.reply()
    house.answer()
    calls = [house.ask(3), house.ask(3)]
    assert (len(house.store.asked), house.flights) == (1, [])
    house.store.reply()
    assert [call.told for call in calls] == [("HIT", [6.0]), ("HIT", [6.0])]


def test_a_remote_miss_starts_one_flight() -> None:
    house = House(Distant())
    calls = [house.ask(3), house.ask(3)]
    assert house.flights == []
    house.store.reply()
    house.answer()
    assert [call.told for call in calls] == [("MISS", [6.0]), ("COALESCED", [6.0])]


def test_who_left_during_the_question_costs_no_run() -> None:
    house = House(Distant())
    call = house.ask(3)
    call.gone = True
    house.store.reply()
    assert (house.flights, call.heard) == ([], [499])


@pytest.mark.parametrize("store", [None, Distant])
def test_an_answer_belongs_to_one_model(store: Any) -> None:
    house = House(store and store())
    house.ask(3)
    other = Answers("sha256:bb", house.store, house.loop, house.loop.clock)
    call = Asked(3)
    other.admit(call, house.flights.append)
    if store:
        house.store.reply()
    assert call.cache_state == "MISS"
    assert len(house.flights) == 2


@pytest.mark.parametrize(
    "inputs",
    [np.zeros(1 << 18), np.array(["a"] * 6000, object), np.array(["a" * (1 << 20)], object)],
)
def test_what_would_take_long_to_compare_goes_by_the_store(inputs: Array) -> None:
    house = House()
    calls = [Asked(3), Asked(3)]
    for call in calls:
        call.inputs = {"x": inputs}
        house.answers.admit(call, house.flights.append)
    assert len(house.flights) == 2
    for flight in house.flights:
        flight.finish({"y": np.array([[6.0]])})
    assert [call.told for call in calls] == [("BYPASS", [6.0])] * 2
    assert len(house.store) == 0


class Crowd(RuleBasedStateMachine):
    """Whoever comes, leaves, fails or is late: everyone hears exactly once, and only his own answer or a refusal."""

    def __init__(self) -> None:
        super().__init__()
        self.house = House()
        self.calls: list[tuple[float, Asked]] = []

    @rule(value=st.integers(0, 2), deadline=st.sampled_from([1.0, 2.0, 5.0]))
    def ask(self, value: int, deadline: float) -> None:
        self.calls.append((value, self.house.ask(value, deadline)))

    @rule(which=st.integers(0, 9))
    def leave(self, which: int) -> None:
        if which < len(self.calls):
            self.calls[which][1].gone = True

    @rule(which=st.integers(0, 3))
    def answer(self, which: int) -> None:
        if which < len(self.house.flights):
            self.house.answer(which)

    @rule(which=st.integers(0, 3), status=st.sampled_from([429, 500, 503]))
    def fail(self, which: int, status: int) -> None:
        if which < len(self.house.flights):
            self.house.flights.pop(which).fail(RequestFault(status, "Failed", "no"))

    @rule(seconds=st.floats(0, 3))
    def wait(self, seconds: float) -> None:
        self.house.loop.wait(seconds)
        for flight in [each for each in self.house.flights if each.gone or each.deadline <= self.house.loop.now]:
            self.house.flights.remove(flight)
            flight.fail(RequestFault(504, "DeadlineExceeded", "late"))

    @invariant()
    def nobody_hears_twice_or_another_ones_answer(self) -> None:
        for value, call in self.calls:
            assert len(call.heard) <= 1
            assert all(told >= 400 or told == value * 2 for told in call.heard)

    def teardown(self) -> None:
        while self.house.flights:
            self.house.answer()
        assert all(len(call.heard) == 1 for _, call in self.calls)
        assert not self.house.answers._flights


TestCrowd = Crowd.TestCase
TestCrowd.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
