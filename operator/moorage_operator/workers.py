"""The hands: each takes a due key, looks at it, and says when to look again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable
from typing import Protocol

from moorage_operator import metrics, names
from moorage_operator.api.records import Key
from moorage_operator.backoff import delay
from moorage_operator.cluster.server import ApiError
from moorage_operator.election import NotLeading
from moorage_operator.errors import Fault
from moorage_operator.workqueue import Job, Priority, WorkQueue

log = logging.getLogger(__name__)

PASS_SECONDS = 60.0
"""No look takes longer; what was left is done by the next one."""


class Look(Protocol):
    """One look at one key; seconds until the next."""

    def __call__(self, key: Key, *, routine: bool) -> Awaitable[float | None]:
        """Look. `routine`: nothing was heard of the key."""


class Workers:
    """`count` workers, at work only while `leading` is set."""

    def __init__(self, queue: WorkQueue, look: Look, leading: asyncio.Event, *, count: int = 8) -> None:
        self._queue = queue
        self._look = look
        self._leading = leading
        self._count = count
        self._failures: dict[Key, int] = {}
        self._busy_since: dict[int, float] = {}

    async def run(self) -> None:
        """Work for ever."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._count):
                group.create_task(self._work(number))

    def slowest(self) -> float:
        """Seconds that the longest running look has taken so far."""
        now = time.monotonic()
        return max((now - since for since in self._busy_since.values()), default=0.0)

    async def _work(self, number: int) -> None:
        while True:
            await self._leading.wait()
            job = await self._queue.get()
            self._busy_since[number] = time.monotonic()
            try:
                await self._one(job)
            finally:
                del self._busy_since[number]
                self._queue.done(job.key)

    async def _one(self, job: Job) -> None:
        started = time.monotonic()
        result, again = await self._result(job)
        metrics.RECONCILES.labels(names.KIND, result).inc()
        metrics.RECONCILE_SECONDS.labels(names.KIND).observe(time.monotonic() - started)
        if again is not None:
            self._queue.add(job.key, delay=again, priority=Priority.ROUTINE)

    async def _result(self, job: Job) -> tuple[str, float | None]:
        key = job.key
        try:
            async with asyncio.timeout(PASS_SECONDS):
                again = await self._look(key, routine=job.priority is Priority.ROUTINE)
        except NotLeading:
            return "not_leading", 1.0
        except Fault as fault:
            return "refused", self._failed(key, fault.reason, fault.message)
        except ApiError as error:
            return "api_error", self._failed(key, f"{error.code} {error.reason}", error.message)
        except TimeoutError:
            return "too_slow", self._failed(key, "TooSlow", f"no end within {PASS_SECONDS:g} s")
        except Exception as error:
            log.exception("look failed", extra={"fields": _fields(key)})
            return "error", self._failed(key, type(error).__name__, str(error))
        self._failures.pop(key, None)
        return "ok", again

    def _failed(self, key: Key, reason: str, message: str) -> float:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        wait = delay(failures)
        fields = {
            **_fields(key),
            "reason": reason,
            "detail": message[:500],
            "failures": failures,
            "retry": round(wait, 1),
        }
        log.warning("will look again", extra={"fields": fields})
        return wait


def _fields(key: Key) -> dict[str, str]:
    return {"namespace": key.namespace, "name": key.name}
