"""Readiness, metadata, and the calls that this port does not serve."""

from __future__ import annotations

from typing import Any

from moorage_runtime.codecs import grpc_documents as documents
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.grpc import identity
from moorage_runtime.servers.grpc.status import refuse

_SERVER = documents.server_metadata("moorage", "2", ())


class Documents:
    """Answers everything but inference."""

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane

    async def server_live(self, _message: bytes, _context: Any) -> bytes:
        """ServerLive."""
        return documents.yes_or_no(True)

    async def server_ready(self, _message: bytes, _context: Any) -> bytes:
        """ServerReady."""
        return documents.yes_or_no(self._plane.ready)

    async def model_ready(self, message: bytes, context: Any) -> bytes:
        """ModelReady; a model that is not here is not ready."""
        try:
            name, version = documents.read_name_and_version(message)
        except RequestFault as fault:
            return await refuse(context, fault)
        try:
            return documents.yes_or_no(self._plane.model_ready(name, version))
        except RequestFault:
            return documents.yes_or_no(False)

    async def server_metadata(self, _message: bytes, _context: Any) -> bytes:
        """ServerMetadata."""
        return _SERVER

    async def model_metadata(self, message: bytes, context: Any) -> bytes:
        """ModelMetadata."""
        try:
            served = self._plane.find(*documents.read_name_and_version(message))
        except RequestFault as fault:
            return await refuse(context, fault)
        context.set_trailing_metadata(identity.of(served))
        engine = served.engine
        return documents.model_metadata(
            served.name, (served.version,), engine.platform, engine.inputs.values(), engine.outputs.values()
        )

    async def elsewhere(self, _message: bytes, context: Any) -> bytes:
        """RepositoryIndex, RepositoryModelLoad, RepositoryModelUnload."""
        told = "the model repository is managed on the admin port, by HTTP"
        return await refuse(context, RequestFault(501, "AdminOnly", told))
