"""Opening the gRPC port beside the loading of the model: importing grpc takes as long as loading a small one."""

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


async def open_port(plane: DataPlane, traffic: Traffic, host: str, port: int, keys: Keys | None) -> GrpcListener:
    """A listener that answers. Raises `OSError`."""
    module = await asyncio.to_thread(importlib.import_module, "moorage_runtime.servers.grpc.listener")
    reflection = os.environ.get("MOORAGE_GRPC_REFLECTION") == "1"
    listener: GrpcListener = module.GrpcListener(plane, traffic, host, port, keys, reflection=reflection)
    await listener.start()
    return listener
