"""The gRPC port: a grpc.aio server with its bounds, from binding it to letting its clients go."""

from __future__ import annotations

import os

# Before grpc is imported, which reads them then: no chatter on stderr, no care for forks, no resolver of its own.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
os.environ.setdefault("GRPC_DNS_RESOLVER", "native")

import grpc

from moorage_runtime.config import Limits
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.servers.grpc.door import Door, Keys
from moorage_runtime.servers.traffic import Traffic

# Beside the tensors: names, shapes and parameters.
_ROOM_FOR_HEAD = 64 << 10
_MOST_CALLS = 1024
_STREAMS_PER_CONNECTION = 256
_METADATA_BYTES = 16 << 10
# Clients are asked to connect anew now and then: so they come to new pods, and leave one that drains before its port
# closes, which ends what has just arrived.
CONNECTION_SECONDS = 20.0
_OF_DRAIN = 0.4


class GrpcListener:
    """One port. Not to be opened twice."""

    def __init__(
        self, plane: DataPlane, traffic: Traffic, host: str, port: int, keys: Keys | None, *, reflection: bool = False
    ) -> None:
        more = None
        if reflection:
            from moorage_runtime.servers.grpc.reflection import handlers

            more = handlers()
        limits = plane.config.limits
        self._server = grpc.aio.server(
            handlers=(Door(plane, traffic, keys, more),),
            options=_options(limits, min(CONNECTION_SECONDS, plane.config.drain_seconds * _OF_DRAIN)),
            maximum_concurrent_rpcs=max(limits.concurrency or 0, _MOST_CALLS),
        )
        self._address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    async def start(self) -> None:
        """Bind the port and answer. Raises `OSError`."""
        try:
            self._server.add_insecure_port(self._address)
        except RuntimeError as error:
            raise OSError(f"the gRPC port cannot be bound: {self._address}") from error
        await self._server.start()

    async def stop(self, seconds: float) -> None:
        """Take no more calls; end those under way that take longer than `seconds`."""
        await self._server.stop(seconds)


def _options(limits: Limits, connection_seconds: float) -> list[tuple[str, int]]:
    return [
        # Two processes that take turns at one port would be a riddle.
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", limits.body_bytes + _ROOM_FOR_HEAD),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_metadata_size", _METADATA_BYTES),
        ("grpc.absolute_max_metadata_size", 2 * _METADATA_BYTES),
        ("grpc.max_concurrent_streams", _STREAMS_PER_CONNECTION),
        ("grpc.server_handshake_timeout_ms", 20_000),
        ("grpc.max_connection_age_ms", max(1, round(connection_seconds * 1000))),
        # Clients that vanished are found out; those that ping more often than any need to are sent away.
        ("grpc.keepalive_time_ms", 120_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.http2.max_ping_strikes", 2),
    ]
