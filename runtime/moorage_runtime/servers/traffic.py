"""How busy the public ports are: what a drain waits for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

IDLE_SECONDS = 1.0
STEP_SECONDS = 0.02


class Traffic:
    """Requests under way (`in_flight`), and how many have begun in all (`begun`): both counted by the doors."""

    __slots__ = ("begun", "clock", "in_flight")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.in_flight = 0
        self.begun = 0

    def begin(self) -> None:
        """A request is here."""
        self.in_flight += 1
        self.begun += 1

    def end(self) -> None:
        """Its answer is on its way, or it is given up."""
        self.in_flight -= 1

    async def drained(self, seconds: float) -> bool:
        """Wait until clients are gone, at most `seconds`; whether they all went.

        They are gone when nothing was under way, and nothing came, for `IDLE_SECONDS`.
        """
        began = quiet = self.clock()
        seen = self.begun
        while (now := self.clock()) - began < seconds:
            if self.in_flight or self.begun != seen:
                seen, quiet = self.begun, now
            elif now - quiet >= IDLE_SECONDS:
                return True
            await asyncio.sleep(STEP_SECONDS)
        return self.in_flight == 0
