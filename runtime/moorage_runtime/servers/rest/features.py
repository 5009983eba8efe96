"""The plain API: named features in, a prediction out.

POST /v1/predict                                           where one model is served
POST /v1/predict/{model}[/versions/{version}]
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from moorage_runtime.codecs.features.question import Question
from moorage_runtime.dataplane.call import Call
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.errors import RequestFault
from moorage_runtime.repository.served import Served
from moorage_runtime.servers.http.exchange import Exchange
from moorage_runtime.servers.http.head import Head
from moorage_runtime.servers.rest import deadline, media
from moorage_runtime.servers.rest.door import Methods
from moorage_runtime.servers.rest.faults import refuse
from moorage_runtime.servers.rest.interpreters import Interpreter, Interpreters
from moorage_runtime.tensors import Array

DOOR = "features"


def the_only(plane: DataPlane) -> Served:
    """What is served, where it is one model. Raises `RequestFault` 404 for several, 503 while it is loading."""
    names = [row.name for row in plane.catalogue.index()]
    if len(names) == 1:
        return plane.find(names[0])
    raise RequestFault(
        404, "ModelNotNamed", f"this server has {len(names)} models; name one, as in /v1/predict/{{model}}"
    )


class FeaturesDoor:
    """Every path under /v1/predict."""

    def __init__(self, plane: DataPlane, interpreters: Interpreters) -> None:
        self._plane = plane
        self._interpreters = interpreters

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
        return {b"POST": FeaturesPredict(self._plane, self._interpreters.of(served))}


class FeaturesPredict:
    """Answers the questions of the plain API to one version."""

    needs_body = True

    def __init__(self, plane: DataPlane, interpreter: Interpreter) -> None:
        self.plane = plane
        self.served = interpreter.served
        self.read = interpreter.reader.read
        self.write = interpreter.writer.write
        self.body_limit = plane.config.limits.json_bytes
        self.timeout = plane.config.timeout_seconds

    def accept(self, head: Head) -> None:
        """Look at a head before its body is read. Raises `RequestFault` 415."""
        media.check(head)

    def __call__(self, exchange: Exchange) -> None:
        """Read, run, answer."""
        body = exchange.body
        try:
            question = self.read(body if body.__class__ is bytes else bytes(body))
            call = _Call(self, exchange, question)
        except RequestFault as fault:
            self.plane.count(fault, exchange.began, DOOR)
            refuse(exchange, fault)
            return
        self.plane.submit(self.served, call, DOOR)


class _Call(Call):
    __slots__ = ("_exchange", "_question", "_route")

    def __init__(self, route: FeaturesPredict, exchange: Exchange, question: Question) -> None:
        super().__init__(question.inputs, None, exchange.began, deadline.of(exchange, route.timeout))
        self._route, self._exchange, self._question = route, exchange, question
        exchange.on_gone = self._leave

    def _leave(self) -> None:
        self.gone = True

    def answered(self, outputs: Mapping[str, Array]) -> None:
        exchange = self._exchange
        seconds = time.monotonic() - self.began
        try:
            content = self._route.write(self._question, outputs, exchange.request_id.decode("latin-1"), seconds)
        except RequestFault as fault:
            refuse(exchange, fault)
            return
        exchange.answer(200, content)

    def refused(self, fault: RequestFault) -> None:
        refuse(self._exchange, fault)
