"""Work that may wait, and may be left undone: it takes what clients leave over, and never more than it is given.

Bounded are how much waits (in number, bytes and age), how much runs at once, and which part of the loop's time it
takes.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine

import msgspec

log = logging.getLogger(__name__)

Work = Callable[[], Coroutine[None, None, None]]

BYTES = 16 << 20
AGE_SECONDS = 2.0
# Of the loop's time; of all time, while clients need it: too little to be felt, enough to find out.
TIME_SHARE = 0.02
BUSY_SHARE = 0.01
# A burst may take what was left over in so many seconds before.
_SAVED_SECONDS = 1.0
# A loop that comes round later than this has clients waiting.
_CROWDED_SECONDS = 0.002
_PAUSE_SECONDS = 0.01


class _Job(msgspec.Struct, frozen=True, eq=False):
    work: Work
    dropped: Callable[[], None]
    size: int
    since: float


class Backlog:
    """To be used from the loop's thread only. `busy`: whether clients need all there is; `clock`: monotonic seconds.

    A job whose turn does not come, or that comes when there is no room, hears of it by its `dropped`.
    """

    def __init__(self, busy: Callable[[], bool], clock: Callable[[], float]) -> None:
        self.concurrency = 4
        self.queue = 64
        self._busy = busy
        self._clock = clock
        self._waiting: deque[_Job] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._bytes = 0
        self._rested = self._rested_if_busy = clock()
        self._asked = 0.0
        self._timer: asyncio.Handle | None = None

    def offer(self, work: Work, dropped: Callable[[], None], size: int) -> None:
        """Do it some time soon, or never. `size`: bytes that it keeps alive."""
        if len(self._waiting) >= self.queue or self._bytes + size > BYTES:
            dropped()
            return
        self._bytes += size
        self._waiting.append(_Job(work, dropped, size, self._clock()))
        self._look(0.0)

    def spent(self, seconds: float, elsewhere: float = 0.0) -> None:
        """So much of the loop's time was taken, and of other threads'."""
        now = self._clock()
        self._rested = max(self._rested, now - _SAVED_SECONDS) + seconds / TIME_SHARE
        self._rested_if_busy = max(self._rested_if_busy, now) + (seconds + elsewhere) / BUSY_SHARE

    def clear(self) -> None:
        """Drop all that waits; what runs is cancelled."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            self._drop(self._waiting.popleft())
        for task in self._running:
            task.cancel()

    def _look(self, seconds: float) -> None:
        """Look for work after a pause, zero for as soon as clients had their turn."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._asked = self._clock() + seconds
            self._timer = loop.call_later(seconds, self._turn) if seconds else loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._timer = None
        now = self._clock()
        while self._waiting and now - self._waiting[0].since > AGE_SECONDS:
            self._drop(self._waiting.popleft())
        if not self._waiting or len(self._running) >= self.concurrency:
            return
        crowded = now - self._asked > _CROWDED_SECONDS or self._busy()
        rested = self._rested_if_busy if crowded else self._rested
        if now < rested:
            self._look(min(_PAUSE_SECONDS, rested - now))
        else:
            self._begin(self._waiting.popleft())
            # One at a time: clients come in between.
            self._look(0.0)

    def _begin(self, job: _Job) -> None:
        task = asyncio.get_running_loop().create_task(job.work())
        self._running.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            self._running.discard(task)
            self._bytes -= job.size
            if not task.cancelled() and (error := task.exception()) is not None:
                asyncio.get_running_loop().call_exception_handler(
                    {"message": "a comparison failed", "exception": error}
                )
            self._look(0.0)

        task.add_done_callback(ended)

    def _drop(self, job: _Job) -> None:
        self._bytes -= job.size
        job.dropped()
