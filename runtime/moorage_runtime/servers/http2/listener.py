"""One listening port."""

from __future__ import annotations

import time
from collections.abc import Callable

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http2.app import App
from moorage_runtime.servers.http2.connection import Connection
from moorage_runtime.servers.http2.limits import Limits
from moorage_runtime.servers.http2.patience import TICK_SECONDS
from moorage_runtime.servers.http2.service import Service
from moorage_runtime.servers.port import Port

_GOING = RequestFault(503, "Leaving", "this server is going away", ((b"retry-after", b"1"),))


class Listener(Port[Connection]):
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
        super().__init__(self._service, host, port, TICK_SECONDS)

    def _accept(self) -> Connection:
        return Connection(self._service)

    def _look(self, connection: Connection, now: float) -> None:
        connection.patience.look(now)

    def _see_off(self, connection: Connection) -> None:
        connection.send_off(_GOING)
