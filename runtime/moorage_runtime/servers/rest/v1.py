"""The V1 protocol of TensorFlow Serving and KServe.

GET  /                                                     whether the server is alive, as KServe's clients ask
GET  /v1/models                                            the names of the models
GET  /v1/models/{model}[/versions/{version}]               whether it is ready, in both servers' words
POST /v1/models/{model}[/versions/{version}]:predict
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from moorage_runtime.codecs.v1 import writer
from moorage_runtime.codecs.v1.reader import V1Reader
from moorage_runtime.codecs.v1.request import Request
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.errors import RequestFault
from moorage_runtime.repository.catalogue import EVICTED, LOADING, UNLOADED, WAITING
from moorage_runtime.repository.served import Served
from moorage_runtime.servers.http.exchange import Body, Exchange
from moorage_runtime.servers.rest.asking import Asking
from moorage_runtime.servers.rest.door import Methods, reading
from moorage_runtime.servers.rest.interpreters import Interpreters
from moorage_runtime.servers.rest.turns import Turns
from moorage_runtime.steps import Steps
from moorage_runtime.tensors import Array

DOOR = "v1"
PREDICT = ":predict"
# TensorFlow Serving's words for a model that does not answer; one whose load failed has ended.
_STATES = {LOADING: "LOADING", WAITING: "START", EVICTED: "START", UNLOADED: "END"}


class V1Door:
    """Every path under /v1/models, and the root."""

    def __init__(self, plane: DataPlane, interpreters: Interpreters, turns: Turns) -> None:
        self._plane = plane
        self._interpreters = interpreters
        self._turns = turns

    def match(self, parts: list[str]) -> Methods | None:
        """See the module's table."""
        match parts:
            case []:
                return reading(lambda: (200, b'{"status":"alive"}'))
            case ["v1", "models"]:
                return reading(self._models)
            case ["v1", "models", model, "versions", version] if version.endswith(PREDICT):
                return self._predicting(self._plane.find(model, version.removesuffix(PREDICT)))
            case ["v1", "models", model, "versions", version]:
                self._refuse_verb(version)
                return reading(lambda: self._status(model, version))
            case ["v1", "models", model] if model.endswith(PREDICT):
                return self._predicting(self._plane.find(model.removesuffix(PREDICT)))
            case ["v1", "models", model]:
                self._refuse_verb(model)
                return reading(lambda: self._status(model, None))
        return None

    def _refuse_verb(self, last: str) -> None:
        """TensorFlow Serving classifies and regresses too, KServe explains. Raises `RequestFault` 404."""
        rows = self._plane.catalogue.index()
        if ":" in last and not any(last in (row.name, row.version) for row in rows):
            verb = last.rpartition(":")[2]
            raise RequestFault(404, "VerbUnknown", f":{verb} is unknown; this server knows {PREDICT}")

    def _predicting(self, served: Served) -> Methods:
        return {b"POST": Asking(self._plane, served, DOOR, _Tongue(self._interpreters.of(served).v1), self._turns)}

    def _models(self) -> tuple[int, bytes]:
        return 200, msgspec.json.encode({"models": [row.name for row in self._plane.catalogue.index()]})

    def _status(self, model: str, version: str | None) -> tuple[int, bytes]:
        """KServe asks for `ready`, TensorFlow Serving's clients for `model_version_status`."""
        ready = self._plane.model_ready(model, version)
        row = self._plane.catalogue.row(model)
        failed = not row.version and row.reason not in _STATES
        told = {
            "version": row.version or version or "",
            "state": "AVAILABLE" if ready else "LOADING" if row.version else _STATES.get(row.reason, "END"),
            "status": {"error_code": "UNKNOWN" if failed else "OK", "error_message": row.reason if failed else ""},
        }
        return 200 if ready else 503, msgspec.json.encode(
            {"name": model, "ready": ready, "model_version_status": [told]}
        )


class _Tongue:
    def __init__(self, reader: V1Reader) -> None:
        self.read = reader.read
        self._reader = reader

    def read_slowly(self, body: Body) -> Steps[Request]:
        return self._reader.steps(body)

    def write(self, request: Request, outputs: Mapping[str, Array], _exchange: Exchange) -> bytes:
        return writer.encode(outputs, by_row=request.by_row)

    def takes_long(self, _request: Request, outputs: Mapping[str, Array]) -> bool:
        return writer.takes_long(outputs)

    def write_slowly(self, request: Request, outputs: Mapping[str, Array], _exchange: Exchange) -> Steps[list[bytes]]:
        return writer.steps(outputs, by_row=request.by_row)
