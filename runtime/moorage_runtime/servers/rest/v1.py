"""The V1 protocol of TensorFlow Serving and KServe.

GET  /v1/models                                            the names of the models
GET  /v1/models/{model}[/versions/{version}]               whether it is ready, in both servers' words
POST /v1/models/{model}[/versions/{version}]:predict
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from moorage_runtime.codecs.v1 import writer
from moorage_runtime.codecs.v1.reader import Request
from moorage_runtime.dataplane.call import Call
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.errors import RequestFault
from moorage_runtime.repository.served import Served
from moorage_runtime.servers.http.exchange import Exchange
from moorage_runtime.servers.http.head import Head
from moorage_runtime.servers.rest import deadline, media
from moorage_runtime.servers.rest.door import Methods, reading
from moorage_runtime.servers.rest.faults import refuse
from moorage_runtime.servers.rest.interpreters import Interpreter, Interpreters
from moorage_runtime.tensors import Array

DOOR = "v1"
PREDICT = ":predict"


class V1Door:
    """Every path under /v1/models."""

    def __init__(self, plane: DataPlane, interpreters: Interpreters) -> None:
        self._plane = plane
        self._interpreters = interpreters

    def match(self, parts: list[str]) -> Methods | None:
        """See the module's table."""
        match parts:
            case ["v1", "models"]:
                return reading(self._models)
            case ["v1", "models", model, "versions", version] if version.endswith(PREDICT):
                return self._predicting(self._plane.find(model, version.removesuffix(PREDICT)))
            case ["v1", "models", model, "versions", version]:
                return reading(lambda: self._status(model, version))
            case ["v1", "models", model] if model.endswith(PREDICT):
                return self._predicting(self._plane.find(model.removesuffix(PREDICT)))
            case ["v1", "models", model]:
                return reading(lambda: self._status(model, None))
        return None

    def _predicting(self, served: Served) -> Methods:
        return {b"POST": V1Predict(self._plane, self._interpreters.of(served))}

    def _models(self) -> tuple[int, bytes]:
        return 200, msgspec.json.encode({"models": [row.name for row in self._plane.catalogue.index()]})

    def _status(self, model: str, version: str | None) -> tuple[int, bytes]:
        """KServe asks for `ready`, TensorFlow Serving's clients for `model_version_status`."""
        ready = self._plane.model_ready(model, version)
        try:
            found = self._plane.find(model, version).version
        except RequestFault:
            found = version or ""
        state = {"version": found, "state": "AVAILABLE" if ready else "LOADING"}
        state_and_status = state | {"status": {"error_code": "OK", "error_message": ""}}
        told = {"name": model, "ready": ready, "model_version_status": [state_and_status]}
        return 200 if ready else 503, msgspec.json.encode(told)


class V1Predict:
    """Answers predictions of one version."""

    needs_body = True

    def __init__(self, plane: DataPlane, interpreter: Interpreter) -> None:
        self.plane = plane
        self.served = interpreter.served
        self.read = interpreter.v1.read
        self.body_limit = plane.config.limits.json_bytes
        self.timeout = plane.config.timeout_seconds

    def accept(self, head: Head) -> None:
        """Look at a head before its body is read. Raises `RequestFault` 415."""
        media.check(head)

    def __call__(self, exchange: Exchange) -> None:
        """Read, run, answer."""
        body = exchange.body
        try:
            request = self.read(body if body.__class__ is bytes else bytes(body))
            call = _Call(self, exchange, request)
        except RequestFault as fault:
            self.plane.count(fault, exchange.began, DOOR)
            refuse(exchange, fault)
            return
        self.plane.submit(self.served, call, DOOR)


class _Call(Call):
    __slots__ = ("_by_row", "_exchange")

    def __init__(self, route: V1Predict, exchange: Exchange, request: Request) -> None:
        super().__init__(request.inputs, None, exchange.began, deadline.of(exchange, route.timeout))
        self._exchange, self._by_row = exchange, request.by_row
        exchange.on_gone = self._leave

    def _leave(self) -> None:
        self.gone = True

    def answered(self, outputs: Mapping[str, Array]) -> None:
        try:
            content = writer.encode(outputs, by_row=self._by_row)
        except RequestFault as fault:
            refuse(self._exchange, fault)
            return
        self._exchange.answer(200, content)

    def refused(self, fault: RequestFault) -> None:
        refuse(self._exchange, fault)
