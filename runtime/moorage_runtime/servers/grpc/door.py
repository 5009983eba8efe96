"""Which call is answered by what, and who may call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.grpc import identity, status
from moorage_runtime.servers.grpc.conversation import Ask, Dialogue
from moorage_runtime.servers.grpc.documents import Documents
from moorage_runtime.servers.grpc.health import SERVICE, HealthService, Watch
from moorage_runtime.servers.grpc.infer import DOOR, Inference, Single, part
from moorage_runtime.servers.grpc.messages import CODINGS, Room
from moorage_runtime.servers.grpc.refused import Refused
from moorage_runtime.servers.grpc.unary import Simple
from moorage_runtime.servers.http2 import hpack
from moorage_runtime.servers.http2.app import Route
from moorage_runtime.servers.http2.head import Head
from moorage_runtime.servers.http2.stream import Stream
from moorage_runtime.servers.split.messages import Carrier
from moorage_runtime.servers.traffic import Traffic

# Beside the tensors: names, shapes and parameters.
_ROOM_FOR_HEAD = 64 << 10
_SMALL = 64 << 10
_HEALTH = b"/grpc.health.v1.Health/"
_TYPE = b"application/grpc"
_SERVICE = b"/" + SERVICE.encode() + b"/"
# As over HTTP: probes need no key.
_OPEN = frozenset({_SERVICE + b"ServerLive", _SERVICE + b"ServerReady"})
_UNKNOWN_KEY = RequestFault(
    401, "Unauthorized", "send a valid key as metadata: authorization: Bearer KEY, or x-api-key: KEY"
)
_UNKNOWN = RequestFault(501, "MethodUnknown", "this server does not know the method")
_OVERSIZED = RequestFault(413, "MetadataTooLarge", "the metadata is too large")
_CODING = RequestFault(501, "CodingUnsupported", "messages may be sent as they are, or gzip, or deflate")
_CODED = hpack.write(((b"grpc-accept-encoding", b", ".join(CODINGS)),))


class Keys(Protocol):
    """Who may ask. `epoch` grows with every change."""

    epoch: int

    def allows(self, given: str | bytes | None) -> bool:
        """Whether this value of `authorization` (None: there is none) holds a valid key."""
        ...


class Door:
    """Finds the route of a call. `more`: further conversations, by the call's full name; `carrier`: knows of messages
    that other revisions answer.
    """

    def __init__(
        self,
        plane: DataPlane,
        traffic: Traffic,
        keys: Keys | None,
        more: Mapping[bytes, Ask] | None = None,
        carrier: Carrier | None = None,
    ) -> None:
        self._plane = plane
        self._keys = keys
        room = Room()
        self._routes = _routes(plane, Inference(plane, traffic, carrier), room)
        for name, ask in (more or {}).items():
            self._routes[name] = Dialogue(_SMALL, room, ask)
        self._not_post = Refused(hpack.write(((b":status", b"405"), (b"allow", b"POST"))))
        self._not_grpc = Refused(hpack.write(((b":status", b"415"), (b"accept-post", _TYPE))))
        self._unknown = Refused(status.alone(_UNKNOWN))
        self._oversized = Refused(status.alone(_OVERSIZED))
        self._coding = Refused(status.alone(_CODING, _CODED))
        self._unauthorized = Refused(status.alone(_UNKNOWN_KEY), self._count)

    @property
    def epoch(self) -> int:
        """See `App`."""
        return self._keys.epoch if self._keys is not None else 0

    def route(self, head: Head) -> Route:
        """See `App`."""
        kind = head.headers.get(b"content-type", b"")
        if head.method != b"POST":
            return self._not_post
        if not kind.startswith(_TYPE) or kind[len(_TYPE) :].partition(b";")[0] not in (b"", b"+proto"):
            return self._not_grpc
        if not self._allowed(head):
            return self._unauthorized
        if head.headers.get(b"grpc-encoding", CODINGS[0]) not in CODINGS:
            return self._coding
        return self._routes.get(head.path, self._unknown)

    def oversized(self, _head: Head) -> Route:
        """See `App`."""
        return self._oversized

    def _count(self, stream: Stream) -> None:
        self._plane.count(_UNKNOWN_KEY, stream.began, DOOR, parent=identity.trace(stream.head))

    def _allowed(self, head: Head) -> bool:
        if self._keys is None or head.path in _OPEN or head.path.startswith(_HEALTH):
            return True
        return self._keys.allows(head.headers.get(b"authorization") or head.headers.get(b"x-api-key"))


def _routes(plane: DataPlane, inference: Inference, room: Room) -> dict[bytes, Route]:
    limit = plane.config.limits.body_bytes + _ROOM_FOR_HEAD
    documents, health = Documents(plane), HealthService(plane)
    single: dict[bytes, Callable[[bytes], tuple[bytes, bytes]]] = {
        _SERVICE + b"ServerLive": documents.server_live,
        _SERVICE + b"ServerReady": documents.server_ready,
        _SERVICE + b"ModelReady": documents.model_ready,
        _SERVICE + b"ServerMetadata": documents.server_metadata,
        _SERVICE + b"ModelMetadata": documents.model_metadata,
        _SERVICE + b"RepositoryIndex": documents.elsewhere,
        _SERVICE + b"RepositoryModelLoad": documents.elsewhere,
        _SERVICE + b"RepositoryModelUnload": documents.elsewhere,
        _HEALTH + b"Check": health.check,
    }
    routes: dict[bytes, Route] = {name: Simple(_SMALL, room, answer) for name, answer in single.items()}
    routes[_SERVICE + b"ModelInfer"] = Single(limit, room, inference)
    routes[_SERVICE + b"ModelStreamInfer"] = Dialogue(
        limit, room, lambda conversation, stream, message: part(inference, conversation, stream, message)
    )
    routes[_HEALTH + b"Watch"] = Watch(_SMALL, room, health)
    return routes
