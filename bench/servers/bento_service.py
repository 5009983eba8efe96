"""BentoML 1.4, routes and parameter names chosen so that the same bodies fit. BENTO: "" as its quick start,
`tuned`: async methods, access log and metrics off, `asgi`: tuned, with a Starlette application of one's own mounted.
"""

from __future__ import annotations

import os
from typing import Any

import bentoml
import numpy as np
from onnx_session import NAMES, open_session, v2_outputs

HOW = os.environ.get("BENTO", "")
V2, V1 = "/v2/models/fraud/infer", "/v1/models/fraud:predict"
CONFIG: dict[str, Any] = {"workers": 1}
if HOW:
    CONFIG |= {"logging": {"access": {"enabled": False}}, "metrics": {"enabled": False}}


def run_v2(session: Any, inputs: list[dict[str, Any]]) -> dict[str, Any]:
    rows = np.array(inputs[0]["data"], dtype=np.float32).reshape(inputs[0]["shape"])
    return {"model_name": "fraud", "outputs": v2_outputs(*session.run(NAMES, {"input": rows}))}


def run_v1(session: Any, instances: list[list[float]]) -> dict[str, Any]:
    rows = np.array(instances, dtype=np.float32)
    return {"predictions": session.run(["probabilities"], {"input": rows})[0].tolist()}


def mounted() -> Any:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    session = open_session()

    async def infer(request: Request) -> JSONResponse:
        return JSONResponse(run_v2(session, (await request.json())["inputs"]))

    async def predict(request: Request) -> JSONResponse:
        return JSONResponse(run_v1(session, (await request.json())["instances"]))

    return Starlette(routes=[Route(V2, infer, methods=["POST"]), Route(V1, predict, methods=["POST"])])


class Plain:
    """The quick start's shape: sync methods with typed parameters."""

    def __init__(self) -> None:
        self.session = open_session()

    @bentoml.api(route=V2)
    def infer(self, inputs: list[dict]) -> dict:  # type: ignore[type-arg]
        return run_v2(self.session, inputs)

    @bentoml.api(route=V1)
    def predict(self, instances: list[list[float]]) -> dict:  # type: ignore[type-arg]
        return run_v1(self.session, instances)


class Async:
    """The same without a hop to a thread."""

    def __init__(self) -> None:
        self.session = open_session()

    @bentoml.api(route=V2)
    async def infer(self, inputs: list[dict]) -> dict:  # type: ignore[type-arg]
        return run_v2(self.session, inputs)

    @bentoml.api(route=V1)
    async def predict(self, instances: list[list[float]]) -> dict:  # type: ignore[type-arg]
        return run_v1(self.session, instances)


class Mounted:
    """Nothing but the mounted application."""


SHAPES = {"": Plain, "tuned": Async, "asgi": Mounted}
shape = bentoml.asgi_app(mounted(), path="/")(SHAPES[HOW]) if HOW == "asgi" else SHAPES[HOW]
Fraud = bentoml.service(**CONFIG)(shape)
