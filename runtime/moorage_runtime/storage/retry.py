"""Trying again: jittered, growing, never past the deadline."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from moorage_runtime.errors import ArtifactFault
from moorage_runtime.storage import reasons

T = TypeVar("T")

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
FRUITLESS_TRIES = 6


class Deadline:
    """The end of the time that a download may take. `clock` counts seconds and never jumps back."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seconds = seconds
        self._end = clock() + seconds

    def remaining(self) -> float:
        """Seconds left; negative when it is over."""
        return self._end - self._clock()

    def check(self) -> None:
        """Raise `ArtifactFault` DownloadInterrupted when the time is over."""
        if self.remaining() <= 0:
            raise reasons.refuse(
                reasons.DOWNLOAD_INTERRUPTED,
                f"the download did not finish within {self._seconds:.0f} s; what came is kept and the next try resumes",
            )


class Retry:
    """Runs a step until it succeeds, its fault is final, the deadline is over, or six tries in a row gained nothing."""

    def __init__(self, deadline: Deadline, sleep: Callable[[float], None] = time.sleep) -> None:
        self.deadline = deadline
        self._sleep = sleep

    def run(self, step: Callable[[], T], progress: Callable[[], int] = lambda: 0) -> T:
        """The step's result. `progress` grows while tries gain something, which resets the count of fruitless ones."""
        fruitless, reached = 0, progress()
        while True:
            self.deadline.check()
            try:
                return step()
            except ArtifactFault as fault:
                gained = progress() > reached
                fruitless, reached = (0 if gained else fruitless + 1), progress()
                if not fault.retriable or fruitless >= FRUITLESS_TRIES:
                    raise
                self._pause(fruitless, fault)

    def _pause(self, fruitless: int, fault: ArtifactFault) -> None:
        longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2**fruitless)
        pause = random.uniform(longest / 2, longest)  # noqa: S311 - spreads retries, guards nothing
        if pause >= self.deadline.remaining():
            raise fault
        self._sleep(pause)
