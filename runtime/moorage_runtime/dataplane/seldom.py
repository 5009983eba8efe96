"""Lets the first of many through: a model that fails on everything must not fill the disk with its failures."""

from __future__ import annotations

from collections.abc import Callable

_PAUSE_SECONDS = 10.0


class Seldom:
    """At most once in ten seconds by `clock`."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._next = float("-inf")
        self._suppressed = 0

    def now(self) -> int | None:
        """How many were held back since the last one, if it is time for one; else None."""
        now = self._clock()
        if now < self._next:
            self._suppressed += 1
            return None
        self._next = now + _PAUSE_SECONDS
        suppressed, self._suppressed = self._suppressed, 0
        return suppressed
