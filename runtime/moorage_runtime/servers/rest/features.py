"""The plain API: named features in, a prediction out.

POST /v1/predict                                           where one model is served
POST /v1/predict/{model}[/versions/{version}]
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from moorage_runtime.codecs.features.question import Question
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.errors import RequestFault
from moorage_runtime.repository.served import Served
from moorage_runtime.servers.http.exchange import Body, Exchange
from moorage_runtime.servers.rest.asking import Asking
from moorage_runtime.servers.rest.door import Methods
from moorage_runtime.servers.rest.interpreters import Interpreter, Interpreters
from moorage_runtime.servers.rest.turns import Turns
from moorage_runtime.steps import Steps
from moorage_runtime.tensors import Array

DOOR = "features"


class FeaturesDoor:
    """Every path under /v1/predict."""

    def __init__(self, plane: DataPlane, interpreters: Interpreters, turns: Turns) -> None:
        self._plane = plane
        self._interpreters = interpreters
        self._turns = turns

    def match(self, parts: list[str]) -> Methods | None:
        """See the module's table."""
        match parts:
            case ["v1", "predict"]:
                return self._of(the_only(self._plane))
            case ["v1", "predict", model]:
                return self._of(self._plane.find(model))
            case ["v1", "predict", model, "versions", version]:
                return self._of(self._plane.find(model, version))
        return None

    def _of(self, served: Served) -> Methods:
        tongue = _Tongue(self._interpreters.of(served))
        return {b"POST": Asking(self._plane, served, DOOR, tongue, self._turns)}


def the_only(plane: DataPlane) -> Served:
    """What is served, where it is one model. Raises `RequestFault` 404 for several, 503 while it is loading."""
    names = [row.name for row in plane.catalogue.index()]
    if len(names) == 1:
        return plane.find(names[0])
    raise RequestFault(
        404, "ModelNotNamed", f"this server has {len(names)} models; name one, as in /v1/predict/{{model}}"
    )


class _Tongue:
    def __init__(self, known: Interpreter) -> None:
        self._reader, self._writer = known.reader, known.writer
        self.read = self._reader.read
        self.takes_long = self._writer.takes_long

    def read_slowly(self, body: Body) -> Steps[Question]:
        return self._reader.steps(body)

    def write(self, question: Question, outputs: Mapping[str, Array], exchange: Exchange) -> bytes:
        return self._writer.write(question, outputs, _id(exchange), time.monotonic() - exchange.began)

    def write_slowly(self, question: Question, outputs: Mapping[str, Array], exchange: Exchange) -> Steps[list[bytes]]:
        return self._writer.steps(question, outputs, _id(exchange), time.monotonic() - exchange.began)


def _id(exchange: Exchange) -> str:
    return exchange.request_id.decode("latin-1")
