"""grpc.health.v1: `""` is the whole server, a model's name the model; for probes, balancers and clients."""

from __future__ import annotations

import asyncio

from moorage_runtime.codecs import grpc_documents as documents
from moorage_runtime.codecs.grpc_documents import Health
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.grpc import status
from moorage_runtime.servers.grpc.messages import Room, framed
from moorage_runtime.servers.grpc.unary import Unary
from moorage_runtime.servers.http2.stream import Stream

SERVICE = "inference.GRPCInferenceService"
WATCH_SECONDS = 0.1


class HealthService:
    """Serving while the data plane is ready, and not from the moment it drains."""

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane

    def status(self, service: str) -> Health:
        """What to say of a service."""
        if service in ("", SERVICE):
            return Health.SERVING if self._plane.ready else Health.NOT_SERVING
        try:
            return Health.SERVING if self._plane.model_ready(service) else Health.NOT_SERVING
        except RequestFault:
            return Health.SERVICE_UNKNOWN

    def check(self, message: bytes) -> tuple[bytes, bytes]:
        """Check. Raises `RequestFault`."""
        found = self.status(documents.read_service(message))
        if found is Health.SERVICE_UNKNOWN:
            raise RequestFault(404, "ServiceUnknown", "there is no such service")
        return documents.health(found), b""


class Watch(Unary):
    """Watch: the status now, and whenever it changes."""

    patient = True

    def __init__(self, limit: int, room: Room, health: HealthService) -> None:
        super().__init__(limit, room)
        self._health = health

    def ask(self, stream: Stream, message: bytes) -> None:
        """See `Unary`."""
        service = documents.read_service(message)
        stream.begin(status.OPENING)
        stream.state = _Watching(stream, self._health, service)

    def dismiss(self, stream: Stream, fault: RequestFault) -> None:
        """See `Route`."""
        begun = isinstance(stream.state, _Watching)
        self.gone(stream)
        if begun:
            stream.finish(status.trailers(fault))
        else:
            stream.refuse(status.alone(fault))


class _Watching:
    """One client that wants to know."""

    __slots__ = ("_health", "_service", "_stream", "_timer", "_told")

    def __init__(self, stream: Stream, health: HealthService, service: str) -> None:
        self._stream = stream
        self._health = health
        self._service = service
        self._told: Health | None = None
        self._look()

    def _look(self) -> None:
        found = self._health.status(self._service)
        # A client that does not read is told the latest when it does.
        if found is not self._told and self._stream.pending is None:
            self._told = found
            self._stream.send(framed(documents.health(found)))
        self._timer = asyncio.get_running_loop().call_later(WATCH_SECONDS, self._look)

    def leave(self) -> None:
        """Nobody wants to know any more."""
        self._timer.cancel()
