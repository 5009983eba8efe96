"""How long another revision may take: as long as the own model could still answer in its place."""

from __future__ import annotations

from collections.abc import Callable

SHORTEST = 1.0
USUAL_TIMES = 20.0
_LOOK_SECONDS = 1.0


class Patience:
    """Learned from the own model's answers: twenty times what 99 of 100 take, at least a second.

    `usual`: gives the seconds in which 99 of 100 own answers are there; asked at most once a second.
    """

    def __init__(self, usual: Callable[[], float]) -> None:
        self._usual = usual
        self._next = float("-inf")
        self._learned = SHORTEST

    def seconds(self, left: float, told: float | None, now: float) -> float:
        """For a request whose client waits `left` seconds more; `told`: instead of what was learned."""
        if told is None and now >= self._next:
            self._next = now + _LOOK_SECONDS
            self._learned = max(SHORTEST, USUAL_TIMES * self._usual())
        return min(left / 2, self._learned if told is None else told)
