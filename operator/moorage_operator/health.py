"""The operator's own port: is it alive, is it ready, what does it count."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from moorage_operator import metrics

MAX_LAG = 2.0
MAX_LOOK = 90.0
"""Longer than any look may take: a worker that is past it hangs."""
_BEAT = 0.25


class Heartbeat:
    """How late the event loop wakes up. The largest lag of the last five seconds counts."""

    def __init__(self) -> None:
        self._lags: list[tuple[float, float]] = []
        self._beat_at = time.monotonic()

    async def run(self) -> None:
        """Beat for ever."""
        while True:
            self._beat_at = time.monotonic()
            await asyncio.sleep(_BEAT)
            now = time.monotonic()
            lag = max(0.0, now - self._beat_at - _BEAT)
            self._lags = [(when, late) for when, late in self._lags if now - when < 5.0] + [(now, lag)]

    def lag(self) -> float:
        """Seconds."""
        running = time.monotonic() - self._beat_at - _BEAT
        return max(0.0, running, *(late for _, late in self._lags))


class Health:
    """`alive`: named numbers with their limits. `ready`: whether the first list is done. `refresh`: sets gauges."""

    def __init__(
        self,
        alive: Mapping[str, tuple[Callable[[], float], float]],
        ready: Callable[[], bool],
        refresh: Callable[[], None],
    ) -> None:
        self._alive = alive
        self._ready = ready
        self._refresh = refresh

    async def serve(self, port: int) -> web.AppRunner:
        """Listen on every address. The caller cleans the runner up."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
                web.get("/metrics", self._metrics),
            ]
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        await web.TCPSite(runner, port=port).start()
        return runner

    async def _healthz(self, _: web.Request) -> web.Response:
        wrong = [f"{name} {read():.1f} s" for name, (read, limit) in self._alive.items() if read() >= limit]
        return web.Response(status=503 if wrong else 200, text=", ".join(wrong) or "ok")

    async def _readyz(self, _: web.Request) -> web.Response:
        ready = self._ready()
        return web.Response(status=200 if ready else 503, text="ok" if ready else "the first list is not done")

    async def _metrics(self, _: web.Request) -> web.Response:
        self._refresh()
        return web.Response(body=generate_latest(metrics.REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST})
