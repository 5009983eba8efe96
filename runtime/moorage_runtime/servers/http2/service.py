"""What all connections of one port share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from moorage_runtime.servers.http2.app import App
from moorage_runtime.servers.http2.heads import Heads
from moorage_runtime.servers.http2.limits import Limits
from moorage_runtime.servers.ration import Ration

if TYPE_CHECKING:
    from moorage_runtime.servers.http2.connection import Connection


class Service:
    """The application, the bounds, and who is connected. `streams`: of all connections. `leaving`: whether clients
    should go elsewhere. `loop` is set when the port opens.
    """

    __slots__ = ("clock", "connections", "heads", "leaving", "limits", "loop", "ration", "streams")

    loop: asyncio.AbstractEventLoop

    def __init__(
        self, app: App, limits: Limits, clock: Callable[[], float], leaving: Callable[[], bool] = lambda: False
    ) -> None:
        self.limits = limits
        self.clock = clock
        self.leaving = leaving
        self.heads = Heads(app, limits)
        self.connections: set[Connection] = set()
        self.streams = 0
        self.ration = Ration(lambda: self.loop)
