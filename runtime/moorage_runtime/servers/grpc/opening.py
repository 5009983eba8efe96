"""The gRPC port, opened beside the loading of the model: importing grpc takes as long as loading a small one."""

from __future__ import annotations

import asyncio
import importlib
import os
from typing import TYPE_CHECKING

from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.servers.traffic import Traffic

if TYPE_CHECKING:
    from moorage_runtime.servers.grpc.door import Keys
    from moorage_runtime.servers.grpc.listener import GrpcListener


class GrpcPort:
    """One port, from `start` to `stop`. `keys`: who may ask, None: everybody."""

    def __init__(self, plane: DataPlane, traffic: Traffic, host: str, port: int, keys: Keys | None = None) -> None:
        self._plane = plane
        self._traffic = traffic
        self._host = host
        self._port = port
        self._keys = keys
        self._opening: asyncio.Task[GrpcListener] | None = None

    def start(self) -> None:
        """Begin to open the port."""
        self._opening = asyncio.create_task(self._open())

    async def started(self) -> None:
        """Wait until the port answers. Raises `OSError` when it cannot be bound."""
        if self._opening is None:
            raise RuntimeError("the port was not started")
        await self._opening

    async def _open(self) -> GrpcListener:
        module = await asyncio.to_thread(importlib.import_module, "moorage_runtime.servers.grpc.listener")
        reflection = os.environ.get("MOORAGE_GRPC_REFLECTION") == "1"
        listener: GrpcListener = module.GrpcListener(
            self._plane, self._traffic, self._host, self._port, self._keys, reflection=reflection
        )
        await listener.start()
        return listener

    async def stop(self, seconds: float) -> None:
        """Take no more calls; end those under way that take longer than `seconds`."""
        if self._opening is None:
            return
        # A port that is still being opened, or could not be, has no clients.
        if self._opening.done() and not self._opening.cancelled() and self._opening.exception() is None:
            await self._opening.result().stop(seconds)
        else:
            self._opening.cancel()
