"""kopf in a thread and an event loop of its own, started again whenever it ends.

It needs both: when kopf ends, it cancels every task of its loop, ours included; and a storm of events must not delay
the lease.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

from moorage_operator import metrics
from moorage_operator.api.records import Key
from moorage_operator.backoff import delay

log = logging.getLogger(__name__)

STEADY = 60.0
"""Seconds after which a watch counts as having worked."""


class Watch:
    """Watches `namespaces` (empty: the whole cluster). `heard` and `listed` run on `loop`.

    `listed`: ends after a complete list of the custom resources, so that kopf never starts on a cluster without the
    CRD: it would then serve nothing, for ever.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        heard: Callable[[Key], object],
        listed: Callable[[], Coroutine[Any, Any, None]],
        namespaces: tuple[str, ...] = (),
    ) -> None:
        self._loop = loop
        self._heard = heard
        self._listed = listed
        self._namespaces = namespaces
        self._stop = threading.Event()
        # A daemon: the process never waits for it.
        self._thread = threading.Thread(target=self._supervise, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Hear nothing any more, and restart no more."""
        self._stop.set()

    def _supervise(self) -> None:
        failures = 0
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                asyncio.run_coroutine_threadsafe(self._listed(), self._loop).result()
                asyncio.run(self._watch())
            except Exception as error:
                log.warning("watch ended", extra={"fields": {"detail": f"{type(error).__name__}: {error}"[:300]}})
            failures = 1 if time.monotonic() - started > STEADY else failures + 1
            metrics.WATCH_RESTARTS.inc()
            self._stop.wait(delay(failures, first=0.5))

    async def _watch(self) -> None:
        # Importing kopf takes a third of a second, which here delays nobody.
        import kopf

        from moorage_operator.handlers import hints

        await kopf.operator(
            registry=hints.registry(self._hear),
            settings=hints.settings(),
            standalone=True,
            clusterwide=not self._namespaces,
            namespaces=self._namespaces,
            stop_flag=self._stop,
        )

    def _hear(self, key: Key) -> None:
        if not self._stop.is_set():
            self._loop.call_soon_threadsafe(self._heard, key)
