"""How busy the public port is: what a drain waits for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

IDLE_SECONDS = 1.0
STEP_SECONDS = 0.02


class Traffic:
    """Requests under way, and when the last one began or ended (by `clock`, seconds, monotonic)."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.in_flight = 0
        self.last = clock()

    def begin(self) -> None:
        """A request's head is here."""
        self.in_flight += 1
        self.last = self.clock()

    def end(self) -> None:
        """Its answer is on its way, or it is given up."""
        self.in_flight -= 1
        self.last = self.clock()

    def idle(self, since: float) -> bool:
        """Whether nothing is under way, and nothing came for a while, counted from `since` at the earliest."""
        return self.in_flight == 0 and self.clock() - max(self.last, since) >= IDLE_SECONDS

    async def drained(self, seconds: float) -> bool:
        """Wait until clients are gone, at most `seconds`; whether they all went."""
        began = self.clock()
        while self.clock() - began < seconds:
            if self.idle(began):
                return True
            await asyncio.sleep(STEP_SECONDS)
        return self.in_flight == 0
