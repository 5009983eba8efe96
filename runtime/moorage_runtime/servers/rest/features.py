"""The plain API: named features in, a prediction out.

POST /v1/predict                                           where one model is served
POST /v1/predict/{model}[/versions/{version}]
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from moorage_runtime.codecs.features.question import Question
from moorage_runtime.codecs.features.writer import Writer
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.errors import RequestFault
from moorage_runtime.repository.served import Served
from moorage_runtime.servers.http.exchange import Exchange
from moorage_runtime.servers.rest.asking import Asking, Write
from moorage_runtime.servers.rest.door import Methods
from moorage_runtime.servers.rest.interpreters import Interpreters
from moorage_runtime.tensors import Array

DOOR = "features"


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
        known = self._interpreters.of(served)
        return {b"POST": Asking(self._plane, served, DOOR, known.reader.read, _writing(known.writer))}


def the_only(plane: DataPlane) -> Served:
    """What is served, where it is one model. Raises `RequestFault` 404 for several, 503 while it is loading."""
    names = [row.name for row in plane.catalogue.index()]
    if len(names) == 1:
        return plane.find(names[0])
    raise RequestFault(
        404, "ModelNotNamed", f"this server has {len(names)} models; name one, as in /v1/predict/{{model}}"
    )


def _writing(writer: Writer) -> Write:
    def write(question: Question, outputs: Mapping[str, Array], exchange: Exchange) -> bytes:
        seconds = time.monotonic() - exchange.began
        return writer.write(question, outputs, exchange.request_id.decode("latin-1"), seconds)

    return write
