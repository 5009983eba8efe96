"""How long to wait after a failure: doubling, jittered, endless, and forgotten after a success."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

FIRST = 0.2
CAP = 30.0


def delay(
    failures: int, chance: Callable[[], float] = random.random, *, first: float = FIRST, cap: float = CAP
) -> float:
    """Seconds before try number `failures` + 1: `first` * 2^(failures-1), capped, of which the upper half is drawn."""
    full = min(cap, first * 2.0 ** min(failures - 1, 32))
    return full * (0.5 + chance() / 2)


class EndlessDelays:
    """As many delays as are asked for, from the start each time it is iterated."""

    def __init__(self, first: float, cap: float) -> None:
        self._first = first
        self._cap = cap

    def __iter__(self) -> Iterator[float]:
        failures = 0
        while True:
            failures += 1
            yield delay(failures, first=self._first, cap=self._cap)
