"""Who writes: one holder of a Lease, measured with a monotonic clock of its own.

A standby takes over when it has seen the same record for a whole lease duration, or an empty one. The leader counts its
lease from the moment before the renewing call, and stops writing when the renew deadline has passed: well before anyone
else may start. An API server that is away takes nobody's lease, so the leader only pauses; it ends the process when it
sees that somebody else has taken over.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Protocol

from moorage_operator.cluster.lease import LeaseRecord
from moorage_operator.cluster.server import ApiError

log = logging.getLogger(__name__)

FASTER = 409
"""The code of the API server when another candidate wrote first."""


class NotLeading(Exception):
    """This process must not write now."""


class Store(Protocol):
    """Where the record lives."""

    async def read(self) -> LeaseRecord | None:
        """The record, if there is one."""

    async def take(self, previous: LeaseRecord | None, holder: str) -> LeaseRecord:
        """Replace `previous`, or fail with ApiError."""


class Election:
    """One candidate.

    `on_won` is told of every beginning of a lead. `on_lost` is called when another one holds the lease that this one
    held: it must end the process.
    """

    def __init__(
        self,
        store: Store,
        identity: str,
        *,
        on_won: Callable[[], None],
        on_lost: Callable[[], None],
        duration: float = 15.0,
        renew_deadline: float = 10.0,
        retry: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._identity = identity
        self._on_won = on_won
        self._on_lost = on_lost
        self._duration = duration
        self._deadline = renew_deadline
        self._retry = retry
        self._clock = clock
        self._renewed_at: float | None = None
        self._seen: LeaseRecord | None = None
        self._seen_at = clock()
        self._failing = False
        self.leading = asyncio.Event()

    def gate(self) -> float:
        """Seconds that a write may take now. Raises NotLeading without a fresh lease."""
        age = self._age()
        if not self.leading.is_set() or age >= self._deadline:
            raise NotLeading
        return self._duration - age - 1.0

    async def run(self) -> None:
        """Campaign, renew, stand down, for ever."""
        while True:
            started = self._clock()
            await self.step()
            await asyncio.sleep(max(0.1, self._retry - (self._clock() - started)))

    async def step(self) -> None:
        """One look at the record and, where it is ours to take, one write."""
        try:
            record = await self._store.read()
            self._observe(record)
            if self._may_take(record):
                await self._take(record)
        except ApiError as error:
            # Who could not look has not seen the leader silent: after an outage the old leader comes first.
            self._seen_at = self._clock()
            self._note(error)
        else:
            self._failing = False
        self._stand_down_if_stale()

    async def release(self) -> None:
        """Give the lease back, so that the next one need not wait. Failures are left to the lease's own end."""
        if not self.leading.is_set():
            return
        self.leading.clear()
        try:
            await self._store.take(await self._store.read(), "")
        except ApiError as error:
            log.warning("lease not released", extra={"fields": {"code": error.code}})

    def _age(self) -> float:
        return float("inf") if self._renewed_at is None else self._clock() - self._renewed_at

    def _observe(self, record: LeaseRecord | None) -> None:
        if self._renewed_at is not None and record is not None and record.holder not in ("", self._identity):
            self.leading.clear()
            self._on_lost()
        if record is None or self._seen is None or _differ(record, self._seen):
            self._seen_at = self._clock()
        self._seen = record

    def _may_take(self, record: LeaseRecord | None) -> bool:
        if record is None or record.holder in ("", self._identity):
            return True
        return self._clock() - self._seen_at >= self._duration

    async def _take(self, record: LeaseRecord | None) -> None:
        before = self._clock()
        self._seen = await self._store.take(record, self._identity)
        self._seen_at = self._renewed_at = before
        if not self.leading.is_set():
            log.info("leading", extra={"fields": {"identity": self._identity}})
            self.leading.set()
            self._on_won()

    def _note(self, error: ApiError) -> None:
        if error.code != FASTER and not self._failing:
            self._failing = True
            fields = {"code": error.code, "reason": error.reason, "detail": error.message[:300]}
            log.warning("lease out of reach", extra={"fields": fields})

    def _stand_down_if_stale(self) -> None:
        if self.leading.is_set() and self._age() >= self._deadline:
            log.warning("lease not renewed in time; paused")
            self.leading.clear()


class Alone:
    """No election: the only operator there is."""

    def __init__(self) -> None:
        self.leading = asyncio.Event()
        self.leading.set()

    def gate(self) -> float:
        """Always open."""
        return 15.0

    async def run(self) -> None:
        """Nothing to campaign for."""
        await asyncio.Event().wait()

    async def release(self) -> None:
        """Nothing to give back."""


def _differ(one: LeaseRecord, other: LeaseRecord) -> bool:
    return (one.holder, one.renewed, one.transitions) != (other.holder, other.renewed, other.transitions)
