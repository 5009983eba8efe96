"""One listening port."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from moorage_runtime.servers.http.answers import Answers
from moorage_runtime.servers.http.app import App
from moorage_runtime.servers.http.connection import Connection
from moorage_runtime.servers.http.limits import Limits
from moorage_runtime.servers.http.service import Service
from moorage_runtime.servers.traffic import Traffic

STEP_SECONDS = 0.02


class Listener:
    """Serves `app` on one port. `identity`: headers of every answer. Nothing is bound before `start`."""

    def __init__(
        self,
        app: App,
        host: str,
        port: int,
        identity: Sequence[tuple[bytes, bytes]] = (),
        traffic: Traffic | None = None,
        limits: Limits | None = None,
        leaving: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service = Service(app, Answers(identity), traffic or Traffic(), limits or Limits(), clock)
        self._service.leaving = leaving
        self._host = host
        self._port = port
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The bound port."""
        assert self._server is not None  # noqa: S101
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def start(self) -> None:
        """Bind and listen. Raises `OSError`."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self._service), self._host, self._port, backlog=1024)

    async def stop(self, grace: float) -> None:
        """Close the port and the idle connections, let answers under way end for `grace` seconds, then return."""
        if self._server is not None:
            self._server.close()
        self._service.leaving = lambda: True
        until = self._service.clock() + grace
        while self._service.connections and self._service.clock() < until:
            for connection in [each for each in self._service.connections if each.idle]:
                connection.transport.close()
            await asyncio.sleep(STEP_SECONDS)
        for connection in list(self._service.connections):
            connection.transport.abort()
