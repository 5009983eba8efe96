"""All doors to all models in one: what a pod reports of its own answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import accumulate

from moorage_runtime.config import LATENCY_BOUNDS, Answered
from moorage_runtime.metrics.meters import DoorMeter


def answered(doors: Iterable[DoorMeter]) -> Answered:
    """The sum of these doors' counts."""
    outcomes: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    seconds = [0] * (len(LATENCY_BOUNDS) + 1)
    for door in doors:
        outcomes.update(dict(door.outcomes()))
        faults.update(door.faults)
        seconds = [sum(pair) for pair in zip(seconds, door.seconds.counts, strict=True)]
    told = {name: count for name, count in outcomes.items() if count}
    return Answered(outcomes=told, seconds=tuple(seconds) if told else (), faults=dict(faults))


def quantile(counts: Iterable[int], share: float) -> float:
    """The bound below which `share` of what `counts` tells lies, in seconds; 0 when there is nothing."""
    sums = list(accumulate(counts))
    if not sums or not sums[-1]:
        return 0.0
    place = next(at for at, below in enumerate(sums) if below >= share * sums[-1])
    return LATENCY_BOUNDS[min(place, len(LATENCY_BOUNDS) - 1)]
