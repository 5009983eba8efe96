"""One listening port."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http2.app import App
from moorage_runtime.servers.http2.connection import Connection
from moorage_runtime.servers.http2.limits import Limits
from moorage_runtime.servers.http2.patience import TICK_SECONDS
from moorage_runtime.servers.http2.service import Service

STEP_SECONDS = 0.02
BACKLOG = 1024
_GOING = RequestFault(503, "Leaving", "this server is going away", ((b"retry-after", b"1"),))


class Listener:
    """Serves `app` on one port; nothing is bound before `start`, which sets `port` to the one that is.

    `leaving`: whether clients should go elsewhere; they are asked to, then.
    """

    def __init__(
        self,
        app: App,
        host: str,
        port: int,
        limits: Limits | None = None,
        leaving: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service = Service(app, limits or Limits(), clock, leaving)
        self.host = host
        self.port = port
        self._server: asyncio.Server | None = None
        self._tick: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Bind and listen. Raises `OSError`."""
        loop = asyncio.get_running_loop()
        self._service.loop = loop
        self._server = await loop.create_server(
            lambda: Connection(self._service), self.host, self.port, backlog=BACKLOG
        )
        self.port = int(self._server.sockets[0].getsockname()[1])
        self._look()

    async def stop(self, grace: float) -> None:
        """Close the port, let requests under way end for `grace` seconds, then return."""
        service = self._service
        if self._server is not None:
            self._server.close()
        until = service.clock() + grace
        # What the kernel holds of a request is read before its connection is told.
        await asyncio.sleep(STEP_SECONDS)
        while service.connections and service.clock() < until:
            for connection in list(service.connections):
                connection.send_off(_GOING)
            await asyncio.sleep(STEP_SECONDS)
        for connection in list(service.connections):
            connection.abort()
        if self._tick is not None:
            self._tick.cancel()
        await asyncio.sleep(0)

    def _look(self) -> None:
        now = self._service.clock()
        for connection in list(self._service.connections):
            connection.patience.look(now)
        self._tick = self._service.loop.call_later(TICK_SECONDS, self._look)
