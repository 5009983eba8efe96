"""Quantiles from buckets, held against the very numbers that were counted."""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from math import ceil, inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage_operator.analysis.histogram import above, quantile
from moorage_runtime.config import LATENCY_BOUNDS

WIDEST = max(high / low for low, high in pairwise(LATENCY_BOUNDS))
SECONDS = st.lists(st.floats(1.01e-4, 60.0), min_size=1, max_size=300)


def counted(seconds: list[float]) -> tuple[int, ...]:
    places = [0] * (len(LATENCY_BOUNDS) + 1)
    for each in seconds:
        places[bisect_left(LATENCY_BOUNDS, each)] += 1
    return tuple(places)


@given(SECONDS, st.floats(0.5, 0.999))
def test_a_quantile_is_right_to_a_bucket(seconds: list[float], share: float) -> None:
    true = sorted(seconds)[ceil(share * len(seconds)) - 1]
    told = quantile(counted(seconds), share)
    assert told is not None
    assert true / WIDEST <= told * (1 + 1e-9)
    assert told <= true * WIDEST * (1 + 1e-9)


@given(SECONDS, st.floats(1e-4, 59.0))
def test_no_more_are_above_than_truly_can_be(seconds: list[float], bound: float) -> None:
    told = above(counted(seconds), bound)
    assert sum(each > bound * WIDEST for each in seconds) <= told
    assert told <= sum(each > bound / WIDEST for each in seconds)


def test_a_half_bucket_counts_by_the_logarithm() -> None:
    assert above(counted([0.00175 * 1.01] * 100), (0.00175 * 0.002) ** 0.5) == 50
    assert quantile(counted([0.0019] * 100), 0.5) == pytest.approx((0.00175 * 0.002) ** 0.5)


def test_beyond_the_last_bound_nobody_knows() -> None:
    endless = counted([100.0])
    assert (quantile(endless, 0.5), above(endless, 59.0), above(endless, 61.0)) == (inf, 1, 0)


def test_nothing_has_no_quantile() -> None:
    assert (quantile((), 0.95), quantile(counted([]), 0.95), above((), 0.1)) == (None, None, 0)
