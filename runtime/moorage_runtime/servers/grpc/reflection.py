"""grpc.reflection.v1alpha: lets tools such as grpcurl find out what this server speaks. Off unless asked for."""

from __future__ import annotations

from typing import Any

from moorage_runtime.servers.grpc.health import SERVICE

HEALTH = "grpc.health.v1.Health"


class _Collector:
    """Takes the place of a server, to have the handlers and not give them away: keys are checked in front of them."""

    def __init__(self) -> None:
        self.handlers: dict[str, Any] = {}

    def add_generic_rpc_handlers(self, _handlers: Any) -> None:
        """What older servers are given."""

    def add_registered_method_handlers(self, service: str, handlers: dict[str, Any]) -> None:
        """What newer ones are given."""
        self.handlers |= {f"/{service}/{name}": handler for name, handler in handlers.items()}


def handlers() -> dict[str, Any]:
    """The handlers of the reflection service, by the call's full name. Imports google.protobuf."""
    # The descriptors of what is told of register themselves when these are imported.
    from grpc_health.v1 import health_pb2  # noqa: F401
    from grpc_reflection.v1alpha import _async, reflection_pb2_grpc
    from grpc_reflection.v1alpha.reflection import SERVICE_NAME

    from moorage_runtime.servers.grpc.protocol import open_inference_pb2  # noqa: F401

    collector = _Collector()
    servicer = _async.ReflectionServicer((SERVICE, HEALTH, SERVICE_NAME))
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(servicer, collector)
    return collector.handlers
