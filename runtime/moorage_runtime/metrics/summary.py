"""All doors to all models in one: what a pod reports of its own answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import accumulate

from moorage_runtime.config import LATENCY_BOUNDS, Answered
from moorage_runtime.metrics.meters import DoorMeter


def answered(own: Iterable[DoorMeter], instead: Iterable[DoorMeter]) -> Answered:
    """The sum of these doors' counts. `instead`: those of requests that somebody else did not answer: how long their
    clients had to wait says nothing of who did.
    """
    timed = list(own)
    outcomes: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    for door in [*timed, *instead]:
        outcomes.update(dict(door.outcomes()))
        faults.update(door.faults)
    told = {name: count for name, count in outcomes.items() if count}
    return Answered(outcomes=told, seconds=tuple(seconds(timed)), faults=dict(faults))


def seconds(doors: Iterable[DoorMeter]) -> list[int]:
    """How many requests took how long, between `LATENCY_BOUNDS`; empty before the first."""
    counts = [sum(column) for column in zip(*(door.seconds.counts for door in doors), strict=True)]
    return counts if any(counts) else []


def quantile(counts: Iterable[int], share: float) -> float:
    """The bound below which `share` of what `counts` tells lies, in seconds; 0 when there is nothing."""
    sums = list(accumulate(counts))
    if not sums or not sums[-1]:
        return 0.0
    place = next(at for at, below in enumerate(sums) if below >= share * sums[-1])
    return LATENCY_BOUNDS[min(place, len(LATENCY_BOUNDS) - 1)]
