"""grpc.health.v1: `""` is the whole server, a model's name the model; for probes, balancers and clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from moorage_runtime.codecs import grpc_documents as documents
from moorage_runtime.codecs.grpc_documents import Health
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.grpc.status import refuse

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

    async def check(self, message: bytes, context: Any) -> bytes:
        """Check."""
        try:
            service = documents.read_service(message)
        except RequestFault as fault:
            return await refuse(context, fault)
        status = self.status(service)
        if status is Health.SERVICE_UNKNOWN:
            return await refuse(context, RequestFault(404, "ServiceUnknown", "there is no such service"))
        return documents.health(status)

    async def watch(self, message: bytes, context: Any) -> AsyncIterator[bytes]:
        """Watch: the status now, and whenever it changes."""
        try:
            service = documents.read_service(message)
        except RequestFault as fault:
            await refuse(context, fault)
            return
        told = None
        while True:
            status = self.status(service)
            if status is not told:
                told = status
                yield documents.health(status)
            await asyncio.sleep(WATCH_SECONDS)
