"""One timer for everything that waits."""

from __future__ import annotations

from collections.abc import Callable

from moorage_runtime.batching.scheduling import Scheduler, Timer

NEVER = float("inf")
# A client that left is noticed after this time at the latest; timers closer together than the other only cost.
_LONGEST = 0.05
_SHORTEST = 0.001


class Sweep:
    """Calls `work(now)` at the first deadline, and at least every 50 ms while anything waits.

    `work` gives the next deadline, infinity when nothing waits any more.
    """

    def __init__(self, scheduler: Scheduler, clock: Callable[[], float], work: Callable[[float], float]) -> None:
        self._scheduler = scheduler
        self._clock = clock
        self._work = work
        self._timer: Timer | None = None
        self._due = NEVER

    def by(self, deadline: float) -> None:
        """Something waits that must end by then."""
        now = self._clock()
        due = max(now + _SHORTEST, min(deadline, now + _LONGEST))
        if due >= self._due:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._due = due
        self._timer = self._scheduler.call_later(due - now, self._fire)

    def _fire(self) -> None:
        self._timer, self._due = None, NEVER
        earliest = self._work(self._clock())
        if earliest < NEVER:
            self.by(earliest)
