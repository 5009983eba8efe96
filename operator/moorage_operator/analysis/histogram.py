"""Quantiles of latencies that were counted between `LATENCY_BOUNDS`."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, floor, inf, log

from moorage_runtime.config import LATENCY_BOUNDS

LAST = LATENCY_BOUNDS[-1]
"""Seconds: what takes longer is not told apart."""
_LOWEST = LATENCY_BOUNDS[0] / 2


def quantile(counts: Sequence[int], share: float) -> float | None:
    """Seconds below which `share` of the requests stayed, interpolated on a logarithmic scale; None without requests.

    Beyond the last bound there is only infinity.
    """
    rank = share * sum(counts)
    if rank <= 0:
        return None
    passed = 0
    for place, count in enumerate(counts):
        if count and passed + count >= rank:
            low, high = _edges(place)
            return high if high == inf else exp(log(low) + (rank - passed) / count * log(high / low))
        passed += count
    return inf


def above(counts: Sequence[int], seconds: float) -> int:
    """How many requests surely took longer than `seconds`: a count that is cut in two gives whole requests only."""
    parts = (count * _part_above(place, seconds) for place, count in enumerate(counts) if count)
    return floor(sum(parts) + 1e-9)


def _part_above(place: int, seconds: float) -> float:
    low, high = _edges(place)
    if seconds <= low:
        return 1.0
    # What lies beyond the last bound took longer than it; how much longer nobody knows.
    if seconds >= high or high == inf:
        return 0.0
    return log(high / seconds) / log(high / low)


def _edges(place: int) -> tuple[float, float]:
    low = LATENCY_BOUNDS[place - 1] if place else _LOWEST
    return low, LATENCY_BOUNDS[place] if place < len(LATENCY_BOUNDS) else inf
