"""Which call is answered by what, and who may call."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol

import grpc

from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.grpc import identity
from moorage_runtime.servers.grpc.documents import Documents
from moorage_runtime.servers.grpc.health import SERVICE, HealthService
from moorage_runtime.servers.grpc.infer import Inference
from moorage_runtime.servers.grpc.status import refuse
from moorage_runtime.servers.grpc.waiting import DOOR
from moorage_runtime.servers.traffic import Traffic

_HEALTH = "/grpc.health.v1.Health/"
_UNKNOWN_KEY = RequestFault(
    401, "Unauthorized", "send a valid key as metadata: authorization: Bearer KEY, or x-api-key: KEY"
)


class Keys(Protocol):
    """Who may ask."""

    def allows(self, given: str | bytes | None) -> bool:
        """Whether this value of `authorization` (None: there is none) holds a valid key."""
        ...


class Door(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Finds the handler of a call. `more`: handlers of further services, by the call's full name."""

    def __init__(
        self, plane: DataPlane, traffic: Traffic, keys: Keys | None, more: Mapping[str, Any] | None = None
    ) -> None:
        self._plane = plane
        self._keys = keys
        self._handlers = {**(more or {}), **_handlers(plane, traffic)}
        self._unauthorized = grpc.stream_stream_rpc_method_handler(self._refuse)

    def service(self, handler_call_details: Any) -> Any:
        """The handler of a call, None for a call that this server does not know; asked at its beginning."""
        method = handler_call_details.method
        handler = self._handlers.get(method)
        if self._keys is None or method.startswith(_HEALTH):
            return handler
        said = dict(handler_call_details.invocation_metadata)
        shown = said.get("authorization") or said.get("x-api-key")
        return handler if self._keys.allows(shown) else self._unauthorized

    async def _refuse(self, _messages: Any, context: Any) -> None:
        said = identity.sent(context.invocation_metadata())
        self._plane.count(_UNKNOWN_KEY, time.monotonic(), DOOR, parent=identity.trace(said))
        await refuse(context, _UNKNOWN_KEY)


def _handlers(plane: DataPlane, traffic: Traffic) -> dict[str, Any]:
    inference, documents, health = Inference(plane, traffic), Documents(plane), HealthService(plane)
    single = {
        f"/{SERVICE}/ModelInfer": inference.single,
        f"/{SERVICE}/ServerLive": documents.server_live,
        f"/{SERVICE}/ServerReady": documents.server_ready,
        f"/{SERVICE}/ModelReady": documents.model_ready,
        f"/{SERVICE}/ServerMetadata": documents.server_metadata,
        f"/{SERVICE}/ModelMetadata": documents.model_metadata,
        f"/{SERVICE}/RepositoryIndex": documents.elsewhere,
        f"/{SERVICE}/RepositoryModelLoad": documents.elsewhere,
        f"/{SERVICE}/RepositoryModelUnload": documents.elsewhere,
        _HEALTH + "Check": health.check,
    }
    # Messages come and go as bytes: reading them is ours, and so is what is said when they cannot be read.
    handlers: dict[str, Any] = {name: grpc.unary_unary_rpc_method_handler(each) for name, each in single.items()}
    handlers[f"/{SERVICE}/ModelStreamInfer"] = grpc.stream_stream_rpc_method_handler(inference.stream)
    handlers[_HEALTH + "Watch"] = grpc.unary_stream_rpc_method_handler(health.watch)
    return handlers
