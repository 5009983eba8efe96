"""What all connections of one port share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from moorage_runtime.servers.http.answers import Answers
from moorage_runtime.servers.http.app import App
from moorage_runtime.servers.http.limits import Limits
from moorage_runtime.servers.traffic import Traffic

if TYPE_CHECKING:
    from moorage_runtime.servers.http.connection import Connection


class Service:
    """The application, the bounds, and who is connected."""

    def __init__(
        self, app: App, answers: Answers, traffic: Traffic, limits: Limits, clock: Callable[[], float]
    ) -> None:
        self.app = app
        self.answers = answers
        self.traffic = traffic
        self.limits = limits
        self.clock = clock
        self.leaving: Callable[[], bool] = lambda: False
        self.connections: set[Connection] = set()
