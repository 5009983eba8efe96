"""The net under the watches: every so often, every custom resource is looked at, whether or not anything was heard."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable

from moorage_operator import metrics
from moorage_operator.api.records import Key
from moorage_operator.backoff import delay
from moorage_operator.cluster.gather import every_deployment
from moorage_operator.cluster.server import ApiError, ApiServer
from moorage_operator.workqueue import Priority, WorkQueue

log = logging.getLogger(__name__)


class Resync:
    """Lists and queues. `namespaces`: where; empty for the whole cluster. `gone`: told of each key that vanished."""

    def __init__(
        self,
        api: ApiServer,
        queue: WorkQueue,
        *,
        namespaces: tuple[str, ...] = (),
        interval: float = 300.0,
        gone: Callable[[Key], None],
    ) -> None:
        self._api = api
        self._queue = queue
        self._namespaces: tuple[str | None, ...] = namespaces or (None,)
        self._interval = interval
        self._gone = gone
        self._finished_at: float | None = None
        self._wanted = asyncio.Event()
        self._listed = asyncio.Event()

    def age(self) -> float:
        """Seconds since the last complete list; infinite before the first."""
        return float("inf") if self._finished_at is None else time.monotonic() - self._finished_at

    def now(self) -> None:
        """Do not wait for the interval: the lead was taken over."""
        self._wanted.set()

    async def fresh(self) -> None:
        """Wait for a complete list, from now."""
        self._listed.clear()
        self._wanted.set()
        await self._listed.wait()

    async def run(self) -> None:
        """List for ever; a failed list is tried again soon."""
        failures = 0
        while True:
            self._wanted.clear()
            try:
                await self.once()
                failures = 0
            except ApiError as error:
                failures += 1
                log.warning("resync failed", extra={"fields": {"code": error.code, "detail": error.message[:300]}})
            await self._pause(delay(failures) if failures else self._interval * random.uniform(0.9, 1.1))  # noqa: S311

    async def once(self) -> None:
        """List every custom resource and queue each; forget those that are gone. Raises ApiError."""
        keys = set()
        for namespace in self._namespaces:
            async for body in every_deployment(self._api, namespace):
                key = Key(body["metadata"]["namespace"], body["metadata"]["name"])
                keys.add(key)
                metrics.CENSUS.note(key, body.get("status") or {})
                self._queue.add(key, priority=Priority.ROUTINE)
        for key in metrics.CENSUS.keep_only(keys):
            self._gone(key)
        self._finished_at = time.monotonic()
        self._listed.set()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wanted.wait()
        except TimeoutError:
            return
