"""FastAPI as its users tune it: async handlers, the model inline on one thread, answers written by orjson."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
from fastapi import FastAPI, Response
from onnx_session import NAMES, open_session, v2_outputs
from pydantic import BaseModel

app = FastAPI()
session = open_session()


class Tensor(BaseModel):
    """A tensor of the Open Inference Protocol."""

    name: str
    shape: list[int]
    datatype: str
    data: list[float]


class InferRequest(BaseModel):
    """What /infer takes."""

    inputs: list[Tensor]


class V1Request(BaseModel):
    """What :predict takes."""

    instances: list[list[float]]


def answer(value: Any) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")


@app.post("/v2/models/fraud/infer")
async def infer(body: InferRequest) -> Response:
    tensor = body.inputs[0]
    rows = np.array(tensor.data, dtype=np.float32).reshape(tensor.shape)
    return answer({"model_name": "fraud", "outputs": v2_outputs(*session.run(NAMES, {"input": rows}))})


@app.post("/v1/models/fraud:predict")
async def predict(body: V1Request) -> Response:
    rows = np.array(body.instances, dtype=np.float32)
    return answer({"predictions": session.run(["probabilities"], {"input": rows})[0].tolist()})
