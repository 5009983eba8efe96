"""The gRPC port, from binding it to letting its clients go."""

from __future__ import annotations

import os

from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.servers.grpc.door import Door, Keys
from moorage_runtime.servers.http2.limits import Limits
from moorage_runtime.servers.http2.listener import Listener
from moorage_runtime.servers.split.messages import Carrier
from moorage_runtime.servers.traffic import Traffic

REFLECTION = "MOORAGE_GRPC_REFLECTION"


def listener(
    plane: DataPlane,
    traffic: Traffic,
    host: str,
    port: int,
    keys: Keys | None = None,
    limits: Limits | None = None,
    carrier: Carrier | None = None,
) -> Listener:
    """The port, not yet bound. `keys`: who may ask, None: everybody; `carrier`: see `Door`."""
    more = None
    if os.environ.get(REFLECTION) == "1":
        from moorage_runtime.servers.grpc.reflection import conversations

        more = conversations()
    return Listener(Door(plane, traffic, keys, more, carrier), host, port, limits, lambda: plane.leaving)
