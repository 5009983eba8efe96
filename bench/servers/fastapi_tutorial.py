"""FastAPI as tutorials show it: pydantic in and out, `def` handlers in the thread pool, onnxruntime's defaults."""

from __future__ import annotations

import numpy as np
from fastapi import FastAPI
from onnx_session import NAMES, open_session
from pydantic import BaseModel

app = FastAPI()
session = open_session(threads=None)


class Tensor(BaseModel):
    """A tensor of the Open Inference Protocol."""

    name: str
    shape: list[int]
    datatype: str
    data: list[float]


class InferRequest(BaseModel):
    """What /infer takes."""

    inputs: list[Tensor]


class InferResponse(BaseModel):
    """What /infer answers."""

    model_name: str
    outputs: list[Tensor]


class V1Request(BaseModel):
    """What :predict takes."""

    instances: list[list[float]]


class V1Response(BaseModel):
    """What :predict answers."""

    predictions: list[list[float]]


@app.post("/v2/models/fraud/infer")
def infer(body: InferRequest) -> InferResponse:
    tensor = body.inputs[0]
    rows = np.array(tensor.data, dtype=np.float32).reshape(tensor.shape)
    label, probabilities = session.run(NAMES, {"input": rows})
    outputs = [
        Tensor(name="label", shape=list(label.shape), datatype="INT64", data=label.tolist()),
        Tensor(
            name="probabilities",
            shape=list(probabilities.shape),
            datatype="FP32",
            data=probabilities.ravel().tolist(),
        ),
    ]
    return InferResponse(model_name="fraud", outputs=outputs)


@app.post("/v1/models/fraud:predict")
def predict(body: V1Request) -> V1Response:
    rows = np.array(body.instances, dtype=np.float32)
    return V1Response(predictions=session.run(["probabilities"], {"input": rows})[0].tolist())
