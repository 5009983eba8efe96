"""Evidence that may be read at any time: the law it promises, held against exact sums."""

from __future__ import annotations

from math import exp, isclose, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from moorage_operator.analysis import interval
from moorage_operator.analysis.evidence import RATIOS, SURE, log_evidence

NULLS = st.floats(0.001, 0.95)


@given(events=st.integers(0, 200), good=st.integers(0, 2000), null=NULLS)
def test_it_is_the_mean_of_the_likelihood_ratios(events: int, good: int, null: float) -> None:
    trials = events + good
    ratios = []
    for ratio in RATIOS:
        odds = ratio * null / (1 - null)
        share = odds / (1 + odds)
        ratios.append(binom.logpmf(events, trials, share) - binom.logpmf(events, trials, null))
    expected = np.logaddexp.reduce(ratios) - log(len(RATIOS))
    assert isclose(log_evidence(events, trials, null), expected, rel_tol=1e-6, abs_tol=1e-6)


@given(events=st.integers(0, 50), good=st.integers(0, 500), null=NULLS, truth=st.floats(0.0, 1.0))
def test_under_the_null_one_more_request_adds_nothing_on_average(
    events: int, good: int, null: float, truth: float
) -> None:
    """The whole promise: whoever looks after every request is fooled no more often than who looks once."""
    trials, chance = events + good, min(truth, null)
    now = log_evidence(events, trials, null)
    bad, fine = log_evidence(events + 1, trials + 1, null) - now, log_evidence(events, trials + 1, null) - now
    assert chance * exp(min(bad, 700)) + (1 - chance) * exp(fine) <= 1 + 1e-9


@pytest.mark.parametrize("null", [0.01, 0.05, 0.25, 0.5])
@pytest.mark.parametrize("trials", [20, 200, 2000])
def test_a_false_alarm_of_one_look_is_rarer_than_promised(null: float, trials: int) -> None:
    alarming = [x for x in range(trials + 1) if log_evidence(x, trials, null) >= SURE]
    assert alarming
    assert sum(binom.pmf(alarming, trials, null)) <= 1e-3
    assert binomtest(alarming[0], trials, null, alternative="greater").pvalue <= 1e-3


def test_looking_two_thousand_times_fools_fewer_than_one_in_a_thousand() -> None:
    rng = np.random.default_rng(7)
    fooled = 0
    for _ in range(300):
        counts = np.cumsum(rng.random(2000) < 0.05)
        fooled += any(log_evidence(int(counts[n]), n + 1, 0.05) >= log(20) for n in range(0, 2000, 20))
    assert fooled <= 300 * 0.05
    assert fooled > 0, "a test that never alarms sees nothing either"


@pytest.mark.parametrize(("events", "trials", "null"), [(0, 0, 0.1), (5, 5, 1.0), (0, 0, 0.0)])
def test_nothing_follows_from_nothing(events: int, trials: int, null: float) -> None:
    assert log_evidence(events, trials, null) == 0.0


@given(trials=st.integers(1, 10**7))
def test_what_is_certain_but_small_never_counts(trials: int) -> None:
    """A fifth more than allowed, exactly, at any number of requests."""
    assert log_evidence(int(trials * 0.05 * 1.2), trials, 0.05) < SURE


def test_a_limit_of_zero_is_a_limit() -> None:
    assert log_evidence(3, 1000, 0.0) >= SURE


@given(events=st.integers(0, 500), good=st.integers(0, 5000))
def test_the_interval_is_wilsons(events: int, good: int) -> None:
    trials = events + good
    if trials == 0:
        assert interval.upper(0, 0) == 1.0
        return
    expected = binomtest(events, trials).proportion_ci(confidence_level=0.9, method="wilson").high
    assert isclose(interval.upper(events, trials), min(expected, 1.0), rel_tol=1e-6, abs_tol=1e-9)
    assert interval.upper(events, trials, 3.0) >= interval.upper(events, trials) - 1e-12
