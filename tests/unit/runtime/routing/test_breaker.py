"""Holding back: after enough failures, not before; with single tries, until it is well again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage_runtime.routing.breaker import (
    GOOD_PROBES,
    IN_A_ROW,
    PROBE_SECONDS,
    SAMPLES,
    WINDOW_SECONDS,
    Breaker,
    Pass,
)
from moorage_runtime.routing.patience import Patience


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(IN_A_ROW):
        breaker.tell(Pass.FREE, now, good=False)
    assert breaker.open
    return breaker


def test_a_few_failures_hold_nothing_back() -> None:
    breaker = Breaker()
    for _ in range(100):
        for good in (False,) * (IN_A_ROW - 1) + (True,) * IN_A_ROW * 2:
            breaker.tell(breaker.ask(0.0), 0.0, good=good)
    assert not breaker.open


def test_more_than_half_of_the_last_seconds_is_too_much() -> None:
    breaker = Breaker()
    for place in range(SAMPLES):
        assert not breaker.open
        breaker.tell(Pass.FREE, 0.0, good=place % 5 in (0, 3))
    assert breaker.open


def test_what_is_long_ago_does_not_count() -> None:
    breaker = Breaker()
    for place in range(SAMPLES - 1):
        breaker.tell(Pass.FREE, 0.0, good=place % 4 == 3)
    breaker.tell(Pass.FREE, WINDOW_SECONDS + 1, good=False)
    assert not breaker.open


def test_one_probe_each_half_second() -> None:
    breaker = opened(100.0)
    asked = [breaker.ask(100.0 + at / 100) for at in range(200)]
    assert asked.count(Pass.PROBE) == 3
    assert asked.count(Pass.FREE) == 0
    assert asked[int(PROBE_SECONDS * 100)] is Pass.PROBE


def test_good_probes_in_a_row_close_it() -> None:
    breaker = opened()
    now = 0.0
    for good in (True,) * (GOOD_PROBES - 1) + (False,) + (True,) * GOOD_PROBES:
        assert breaker.open
        now += PROBE_SECONDS
        breaker.tell(breaker.ask(now), now, good=good)
    assert not breaker.open
    assert breaker.ask(now) is Pass.FREE


def test_late_ends_of_what_went_before_say_nothing() -> None:
    breaker = opened()
    for _ in range(GOOD_PROBES * 2):
        breaker.tell(Pass.FREE, 0.0, good=True)
    assert breaker.open


@given(st.lists(st.tuples(st.floats(0, 0.2), st.booleans()), max_size=300))
def test_a_revision_that_only_fails_is_asked_a_bounded_number_of_times(moves: list[tuple[float, bool]]) -> None:
    breaker, now, sent = Breaker(), 0.0, 0
    for pause, asks in moves:
        now += pause
        if asks and (went := breaker.ask(now)) is not Pass.HELD:
            sent += 1
            breaker.tell(went, now, good=False)
    assert sent <= IN_A_ROW + 1 + now / PROBE_SECONDS


@given(st.lists(st.floats(0, 1), max_size=200))
def test_a_revision_that_never_fails_is_never_held_back(pauses: list[float]) -> None:
    breaker, now = Breaker(), 0.0
    for pause in pauses:
        now += pause
        went = breaker.ask(now)
        assert went is Pass.FREE
        breaker.tell(went, now, good=True)


@pytest.mark.parametrize(
    ("usual", "left", "told", "expected"),
    [(0.001, 60, None, 1.0), (0.5, 60, None, 10.0), (0.5, 4, None, 2.0), (0.5, 60, 0.2, 0.2), (0.5, 0.2, 0.2, 0.1)],
)
def test_patience(usual: float, left: float, told: float | None, expected: float) -> None:
    assert Patience(lambda: usual).seconds(left, told, 0.0) == pytest.approx(expected)


def test_what_is_usual_is_not_worked_out_for_every_request() -> None:
    asked: list[float] = []

    def usual() -> float:
        asked.append(0.0)
        return 0.1

    patience = Patience(usual)
    for at in range(1000):
        patience.seconds(60, None, at / 1000)
    assert len(asked) == 1
