"""When those who wait are run."""

from __future__ import annotations

from collections.abc import Callable

from moorage_runtime.batching.scheduling import Scheduler, Timer


class Gate:
    """Opens for those who wait: at the end of the loop's turn, or when `window` seconds have gone by.

    `opened` runs in the loop, once for any number of knocks. `opens_soon`: at the end of this turn, whoever knocks.
    """

    def __init__(
        self, scheduler: Scheduler, clock: Callable[[], float], window: float, opened: Callable[[], None]
    ) -> None:
        self._scheduler = scheduler
        self._clock = clock
        self._window = window
        self._opened = opened
        self.opens_soon = False
        self._timer: Timer | None = None
        self._due = 0.0

    def knock(self, latest: float) -> None:
        """Somebody waits, and must not wait for company longer than until `latest`."""
        if self.opens_soon:
            return
        if not self._window:
            self.soon()
            return
        now = self._clock()
        due = min(now + self._window, latest)
        if self._timer is not None:
            if due >= self._due:
                return
            self._timer.cancel()
        self._due = due
        self._timer = self._scheduler.call_later(max(0.0, due - now), self._open)

    def soon(self) -> None:
        """Nobody need wait longer than this turn."""
        if not self.opens_soon:
            self.opens_soon = True
            self._scheduler.call_soon(self._open)

    def _open(self) -> None:
        self.opens_soon = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._opened()
