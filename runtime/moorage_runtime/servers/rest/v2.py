"""The Open Inference Protocol V2 over HTTP.

GET  /v2                                                   server metadata
GET  /v2/health/live | /v2/health/ready
GET  /v2/models/{model}[/versions/{version}]               model metadata
GET  /v2/models/{model}[/versions/{version}]/ready
POST /v2/models/{model}[/versions/{version}]/infer
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from moorage_runtime.codecs import v2
from moorage_runtime.dataplane.call import Call
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.errors import RequestFault
from moorage_runtime.repository.served import Served
from moorage_runtime.servers.http.exchange import Exchange
from moorage_runtime.servers.http.head import Head
from moorage_runtime.servers.rest import deadline, media
from moorage_runtime.servers.rest.door import Methods, reading
from moorage_runtime.servers.rest.faults import refuse
from moorage_runtime.tensors import Array

DOOR = "v2"
SERVER = msgspec.json.encode({"name": "moorage", "version": "2", "extensions": []})


class V2Door:
    """Every path under /v2."""

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane

    def match(self, parts: list[str]) -> Methods | None:
        """See the module's table."""
        match parts:
            case ["v2"]:
                return reading(lambda: (200, SERVER))
            case ["v2", "health", "live"]:
                return reading(lambda: (200, b'{"live":true}'))
            case ["v2", "health", "ready"]:
                return reading(self._ready)
            case ["v2", "models", model, "versions", version, *rest]:
                return self._of_model(model, version, rest)
            case ["v2", "models", model, *rest]:
                return self._of_model(model, None, rest)
        return None

    def _of_model(self, model: str, version: str | None, rest: list[str]) -> Methods | None:
        match rest:
            case []:
                return reading(lambda: self._metadata(model, version))
            case ["ready"]:
                return reading(lambda: self._model_ready(model, version))
            case ["infer"]:
                return {b"POST": V2Infer(self._plane, self._plane.find(model, version))}
        return None

    def _ready(self) -> tuple[int, bytes]:
        return (200, b'{"ready":true}') if self._plane.ready else (503, b'{"ready":false}')

    def _model_ready(self, model: str, version: str | None) -> tuple[int, bytes]:
        ready = self._plane.model_ready(model, version)
        return 200 if ready else 503, msgspec.json.encode({"name": model, "ready": ready})

    def _metadata(self, model: str, version: str | None) -> tuple[int, bytes]:
        served = self._plane.find(model, version)
        engine = served.engine
        told = v2.encode_metadata(
            served.name, served.version, engine.platform, list(engine.inputs.values()), list(engine.outputs.values())
        )
        return 200, told


class V2Infer:
    """Answers inference requests of one version."""

    needs_body = True

    def __init__(self, plane: DataPlane, served: Served) -> None:
        self.plane = plane
        self.served = served
        self.body_limit = plane.config.limits.body_bytes
        self.timeout = plane.config.timeout_seconds

    def accept(self, head: Head) -> None:
        """Look at a head before its body is read. Raises `RequestFault` 415."""
        media.check(head)

    def __call__(self, exchange: Exchange) -> None:
        """Decode, run, answer."""
        try:
            engine = self.served.engine
            request = v2.decode_infer(bytes(exchange.body), engine.inputs, engine.outputs)
            call = _V2Call(self, exchange, request)
        except RequestFault as fault:
            self.plane.count(fault, exchange.began, DOOR)
            refuse(exchange, fault)
            return
        self.plane.submit(self.served, call, DOOR)


class _V2Call(Call):
    __slots__ = ("_exchange", "_id", "_route")

    def __init__(self, route: V2Infer, exchange: Exchange, request: v2.InferRequest) -> None:
        end = deadline.of(exchange, route.timeout)
        super().__init__(request.inputs, request.outputs, exchange.began, end)
        self._route, self._exchange, self._id = route, exchange, request.id
        exchange.on_gone = self._leave

    def _leave(self) -> None:
        self.gone = True

    def answered(self, outputs: Mapping[str, Array]) -> None:
        served = self._route.served
        self._exchange.answer(200, v2.encode_infer(served.name, served.version, self._id, outputs))

    def refused(self, fault: RequestFault) -> None:
        refuse(self._exchange, fault)
