"""One listening port."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from moorage_runtime.servers.http.answers import Answers
from moorage_runtime.servers.http.app import App
from moorage_runtime.servers.http.connection import Connection
from moorage_runtime.servers.http.limits import Limits
from moorage_runtime.servers.http.patience import TICK_SECONDS, Patience
from moorage_runtime.servers.http.service import Observer, Refused, Service
from moorage_runtime.servers.port import Port
from moorage_runtime.servers.traffic import Traffic


class Listener(Port[Connection]):
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
        super().__init__(self._service, host, port, TICK_SECONDS)
        self._patience = Patience(self._service.limits)

    async def stop(self, grace: float) -> None:
        """Close the port and the idle connections, let answers under way end for `grace` seconds, then return."""
        self._service.leaving = lambda: True
        await super().stop(grace)

    def _accept(self) -> Connection:
        return Connection(self._service)

    def _look(self, connection: Connection, now: float) -> None:
        self._patience.look(connection, now)

    def _see_off(self, connection: Connection) -> None:
        connection.end_if_idle()
