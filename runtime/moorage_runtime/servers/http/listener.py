"""One listening port."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from moorage_runtime.servers.http.answers import Answers
from moorage_runtime.servers.http.app import App
from moorage_runtime.servers.http.connection import Connection
from moorage_runtime.servers.http.limits import Limits
from moorage_runtime.servers.http.patience import TICK_SECONDS, Patience
from moorage_runtime.servers.http.service import Observer, Refused, Service
from moorage_runtime.servers.traffic import Traffic

STEP_SECONDS = 0.02
BACKLOG = 1024


class Listener:
    """Serves `app` on one port; nothing is bound before `start`, which sets `port` to the one that is.

    `identity`: headers of every answer. `leaving`: whether clients should go elsewhere; answers then carry
    `connection: close`. `observer`: hears of every answer (exchange, status, bytes of the body). `refused`: hears of
    every request that no route answered.
    """

    def __init__(
        self,
        app: App,
        host: str,
        port: int,
        identity: Sequence[tuple[bytes, bytes]] = (),
        traffic: Traffic | None = None,
        limits: Limits | None = None,
        leaving: Callable[[], bool] = lambda: False,
        observer: Observer | None = None,
        refused: Refused | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service = Service(
            app, Answers(identity), traffic or Traffic(), limits or Limits(), clock, leaving, observer, refused
        )
        self._patience = Patience(self._service.limits)
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
        """Close the port and the idle connections, let answers under way end for `grace` seconds, then return."""
        service = self._service
        service.leaving = lambda: True
        if self._server is not None:
            self._server.close()
        until = service.clock() + grace
        # What the kernel holds of a request is read before its connection is found idle.
        await asyncio.sleep(STEP_SECONDS)
        while service.connections and service.clock() < until:
            for connection in list(service.connections):
                connection.end_if_idle()
            await asyncio.sleep(STEP_SECONDS)
        for connection in list(service.connections):
            connection.abort()
        if self._tick is not None:
            self._tick.cancel()
        await asyncio.sleep(0)

    def _look(self) -> None:
        now = self._service.clock()
        for connection in list(self._service.connections):
            self._patience.look(connection, now)
        self._tick = self._service.loop.call_later(TICK_SECONDS, self._look)
