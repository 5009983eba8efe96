"""Readiness, metadata, and the calls that this port does not serve."""

from __future__ import annotations

from typing import NoReturn

from moorage_runtime.codecs import grpc_documents as documents
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.grpc import identity

_SERVER = documents.server_metadata("moorage", "2", ())
# A message, and a block of metadata that goes with it.
Answer = tuple[bytes, bytes]


class Documents:
    """Answers everything but inference. All of it raises `RequestFault`."""

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane

    def server_live(self, _message: bytes) -> Answer:
        """ServerLive."""
        return documents.yes_or_no(True), b""

    def server_ready(self, _message: bytes) -> Answer:
        """ServerReady."""
        return documents.yes_or_no(self._plane.ready), b""

    def model_ready(self, message: bytes) -> Answer:
        """ModelReady; a model that is not here is not ready."""
        name, version = documents.read_name_and_version(message)
        try:
            return documents.yes_or_no(self._plane.model_ready(name, version)), b""
        except RequestFault:
            return documents.yes_or_no(False), b""

    def server_metadata(self, _message: bytes) -> Answer:
        """ServerMetadata."""
        return _SERVER, b""

    def model_metadata(self, message: bytes) -> Answer:
        """ModelMetadata."""
        served = self._plane.find(*documents.read_name_and_version(message))
        engine = served.engine
        told = documents.model_metadata(
            served.name, (served.version,), engine.platform, engine.inputs.values(), engine.outputs.values()
        )
        return told, identity.of(served)

    def elsewhere(self, _message: bytes) -> NoReturn:
        """RepositoryIndex, RepositoryModelLoad, RepositoryModelUnload."""
        raise RequestFault(501, "AdminOnly", "the model repository is managed on the admin port, by HTTP")
