"""The Open Inference Protocol V2 over HTTP.

GET  /v2                                                   server metadata
GET  /v2/health/live | /v2/health/ready
GET  /v2/models/{model}[/versions/{version}]               model metadata
GET  /v2/models/{model}[/versions/{version}]/ready
POST /v2/models/{model}[/versions/{version}]/infer
"""

from __future__ import annotations

import msgspec

from moorage_runtime.codecs.v2 import metadata
from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.servers.rest.door import Methods, reading
from moorage_runtime.servers.rest.turns import Turns
from moorage_runtime.servers.rest.v2_infer import V2Infer


class V2Door:
    """Every path under /v2."""

    def __init__(self, plane: DataPlane, turns: Turns) -> None:
        self._plane = plane
        self._turns = turns
        self._infers: dict[tuple[str, str | None], V2Infer] = {}
        self._epoch = plane.epoch

    def match(self, parts: list[str]) -> Methods | None:
        """See the module's table."""
        match parts:
            case ["v2"]:
                return reading(lambda: (200, metadata.SERVER))
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
                return {b"POST": self._infer(model, version)}
        return None

    def _infer(self, model: str, version: str | None) -> V2Infer:
        """Compiled once for each model, and again when the server serves others."""
        if self._epoch != self._plane.epoch:
            self._epoch = self._plane.epoch
            self._infers.clear()
        route = self._infers.get((model, version))
        if route is None:
            route = V2Infer(self._plane, self._plane.find(model, version), self._turns)
            self._infers[model, version] = route
        return route

    def _ready(self) -> tuple[int, bytes]:
        return (200, b'{"ready":true}') if self._plane.ready else (503, b'{"ready":false}')

    def _model_ready(self, model: str, version: str | None) -> tuple[int, bytes]:
        ready = self._plane.model_ready(model, version)
        return 200 if ready else 503, msgspec.json.encode({"name": model, "ready": ready})

    def _metadata(self, model: str, version: str | None) -> tuple[int, bytes]:
        served = self._plane.find(model, version)
        engine = served.engine
        told = metadata.of_model(
            served.name,
            served.version,
            engine.platform,
            list(engine.inputs.values()),
            list(engine.outputs.values()),
            list(engine.optional.values()),
        )
        return 200, told
