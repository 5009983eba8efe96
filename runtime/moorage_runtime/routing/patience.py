"""How long another revision may take: as long as the own model could still answer in its place."""

from __future__ import annotations

from collections.abc import Callable

SHORTEST = 1.0
NOTICED = 0.25
"""Seconds: who leaves sooner did not leave for want of an answer."""
USUAL_TIMES = 20.0
_LOOK_SECONDS = 1.0


class Patience:
    """Learned from the own model's answers: twenty times what 99 of 100 take, at least a second.

    `usual`: gives the seconds in which 99 of 100 own answers are there; asked at most once a second.
    """

    def __init__(self, usual: Callable[[], float]) -> None:
        self._usual = usual
        self._next = float("-inf")
        self._learned = 0.0

    def seconds(self, left: float, told: float | None, now: float) -> float:
        """For a request whose client waits `left` seconds more; `told`: instead of what was learned."""
        return min(left / 2, max(SHORTEST, self._long(now)) if told is None else told)

    def lost(self, waited: float, now: float) -> bool:
        """Whether a client that left after so many seconds had waited for far longer than own answers take."""
        return waited >= max(NOTICED, self._long(now))

    def _long(self, now: float) -> float:
        if now >= self._next:
            self._next = now + _LOOK_SECONDS
            self._learned = USUAL_TIMES * self._usual()
        return self._learned
