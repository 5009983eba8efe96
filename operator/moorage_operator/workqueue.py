"""Keys that wait for a look: each at most once, never two workers on the same key.

`Backlog` is the whole logic with time as an argument; `WorkQueue` lets workers await it.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from moorage_operator.api.records import Key

STARVING_AFTER = 30.0
"""Seconds after which a routine key goes before urgent ones."""


class Priority(IntEnum):
    """Something happened, or it is merely time to look again."""

    URGENT = 0
    ROUTINE = 1


@dataclass(frozen=True, slots=True)
class Job:
    """One key to look at, why it came, and how long it waited (seconds)."""

    key: Key
    priority: Priority
    waited: float


@dataclass(slots=True)
class _Entry:
    due: float
    priority: Priority


class Backlog:
    """What waits and what runs. A key added while it runs waits for one more run."""

    def __init__(self) -> None:
        self._waiting: dict[Key, _Entry] = {}
        self._running: set[Key] = set()
        self._ready: tuple[dict[Key, float], dict[Key, float]] = ({}, {})
        self._timed: list[tuple[float, str, str]] = []

    def add(self, key: Key, now: float, *, delay: float = 0.0, priority: Priority = Priority.URGENT) -> None:
        """Wait for a look at `now + delay`; of several wishes the earliest time and the higher priority win."""
        due = now + delay
        entry = self._waiting.get(key)
        if entry is None:
            entry = self._waiting[key] = _Entry(due, priority)
        else:
            entry.due = min(entry.due, due)
            entry.priority = min(entry.priority, priority) if due <= now else entry.priority
        if key not in self._running:
            self._place(key, entry, now)

    def take(self, now: float) -> Job | None:
        """The next key that is due and not running; the caller owes a `done`."""
        self._ripen(now)
        line = self._line(now)
        if line is None:
            return None
        key = next(iter(self._ready[line]))
        since = self._ready[line].pop(key)
        entry = self._waiting.pop(key)
        self._running.add(key)
        return Job(key, entry.priority, max(0.0, now - since))

    def done(self, key: Key, now: float) -> None:
        """The run is over; what was added meanwhile waits from now on."""
        self._running.discard(key)
        if entry := self._waiting.get(key):
            self._place(key, entry, now)

    def forget(self, key: Key) -> None:
        """Drop a wish that still waits."""
        self._waiting.pop(key, None)
        for line in self._ready:
            line.pop(key, None)

    def next_due(self) -> float | None:
        """When the next delayed key ripens; None when none waits."""
        while self._timed and not self._is_current(self._timed[0]):
            heapq.heappop(self._timed)
        return self._timed[0][0] if self._timed else None

    def depth(self) -> int:
        """Keys that are due and not running."""
        return sum(len(line) for line in self._ready)

    def oldest(self, now: float) -> float:
        """Seconds that the oldest due key has been waiting; 0 when none waits."""
        starts = [next(iter(line.values())) for line in self._ready if line]
        return max((now - start for start in starts), default=0.0)

    def _place(self, key: Key, entry: _Entry, now: float) -> None:
        if entry.due > now:
            heapq.heappush(self._timed, (entry.due, key.namespace, key.name))
            return
        since = self._ready[1 - entry.priority].pop(key, now)
        self._ready[entry.priority].setdefault(key, since)

    def _ripen(self, now: float) -> None:
        while (due := self.next_due()) is not None and due <= now:
            _, namespace, name = heapq.heappop(self._timed)
            key = Key(namespace, name)
            self._place(key, self._waiting[key], now)

    def _is_current(self, timed: tuple[float, str, str]) -> bool:
        due, namespace, name = timed
        key = Key(namespace, name)
        entry = self._waiting.get(key)
        return entry is not None and entry.due == due and key not in self._running

    def _line(self, now: float) -> Priority | None:
        urgent, routine = self._ready
        if routine and (not urgent or now - next(iter(routine.values())) > STARVING_AFTER):
            return Priority.ROUTINE
        return Priority.URGENT if urgent else None


class WorkQueue:
    """The backlog on a running event loop. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.backlog = Backlog()
        self._clock = clock
        self._changed = asyncio.Event()

    def add(self, key: Key, *, delay: float = 0.0, priority: Priority = Priority.URGENT) -> None:
        """Wait for a look, now or after `delay` seconds."""
        self.backlog.add(key, self._clock(), delay=delay, priority=priority)
        self._changed.set()

    async def get(self) -> Job:
        """Wait for the next due key; the caller owes a `done`."""
        while (job := self.backlog.take(self._clock())) is None:
            self._changed.clear()
            await self._wait()
        return job

    def done(self, key: Key) -> None:
        """The run is over."""
        self.backlog.done(key, self._clock())
        self._changed.set()

    def depth(self) -> int:
        """Keys that are due and not running."""
        return self.backlog.depth()

    def oldest(self) -> float:
        """Seconds that the oldest due key has been waiting."""
        return self.backlog.oldest(self._clock())

    async def _wait(self) -> None:
        due = self.backlog.next_due()
        try:
            async with asyncio.timeout(None if due is None else max(0.0, due - self._clock())):
                await self._changed.wait()
        except TimeoutError:
            return
