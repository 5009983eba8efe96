"""One bound port, and the life of the connections that come in by it, whatever they speak."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

STEP_SECONDS = 0.02
BACKLOG = 1024


class Guest(Protocol):
    """A connection that can be cut."""

    def abort(self) -> None:
        """Close it at once."""


C = TypeVar("C", bound=Guest)


class Shared(Protocol[C]):
    """What all connections of a port share. `loop` is set when the port opens."""

    loop: asyncio.AbstractEventLoop
    clock: Callable[[], float]
    connections: set[C]


class Port(ABC, Generic[C]):
    """Nothing is bound before `start`, which sets `port` to the one that is. A transport says what its connections are,
    looks at each every `tick_seconds`, and sees each off at the end.
    """

    def __init__(self, shared: Shared[C], host: str, port: int, tick_seconds: float) -> None:
        self.host = host
        self.port = port
        self._shared = shared
        self._tick_seconds = tick_seconds
        self._server: asyncio.Server | None = None
        self._tick: asyncio.TimerHandle | None = None

    @abstractmethod
    def _accept(self) -> asyncio.BaseProtocol:
        """The protocol of a new connection."""

    @abstractmethod
    def _look(self, connection: C, now: float) -> None:
        """Whether a connection keeps its bounds of time."""

    @abstractmethod
    def _see_off(self, connection: C) -> None:
        """The port is closed: end a connection as soon as nothing is lost by it."""

    async def start(self) -> None:
        """Bind and listen. Raises `OSError`."""
        loop = asyncio.get_running_loop()
        self._shared.loop = loop
        self._server = await loop.create_server(self._accept, self.host, self.port, backlog=BACKLOG)
        self.port = int(self._server.sockets[0].getsockname()[1])
        self._look_around()

    async def stop(self, grace: float) -> None:
        """Close the port, let what is under way end for `grace` seconds, then return."""
        shared = self._shared
        if self._server is not None:
            self._server.close()
        until = shared.clock() + grace
        # What the kernel holds of a request is read before its connection is seen off.
        await asyncio.sleep(STEP_SECONDS)
        while shared.connections and shared.clock() < until:
            for connection in list(shared.connections):
                self._see_off(connection)
            await asyncio.sleep(STEP_SECONDS)
        for connection in list(shared.connections):
            connection.abort()
        if self._tick is not None:
            self._tick.cancel()
        await asyncio.sleep(0)

    def _look_around(self) -> None:
        now = self._shared.clock()
        for connection in list(self._shared.connections):
            self._look(connection, now)
        self._tick = self._shared.loop.call_later(self._tick_seconds, self._look_around)
