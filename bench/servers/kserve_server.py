"""KServe's model server around a custom predictor, as its documentation shows one. Words: [tuned] [grpc].

tuned: gRPC off, no latency log, the access and trace loggers quiet. grpc: tuned, but with gRPC.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import numpy as np
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer
from onnx_session import NAMES, PORT, open_session


class Fraud(Model):
    """The predictor."""

    def __init__(self) -> None:
        super().__init__("fraud")
        self.load()

    def load(self) -> bool:
        self.session = open_session()
        self.ready = True
        return True

    async def predict(self, payload: Any, headers: Any = None, response_headers: Any = None) -> Any:  # noqa: ARG002
        if isinstance(payload, InferRequest):
            return self.infer(payload)
        rows = np.array(payload["instances"], dtype=np.float32)
        return {"predictions": self.session.run(["probabilities"], {"input": rows})[0].tolist()}

    def infer(self, request: InferRequest) -> InferResponse:
        label, probabilities = self.session.run(NAMES, {"input": request.inputs[0].as_numpy()})
        outputs = []
        for name, datatype, value in (("label", "INT64", label), ("probabilities", "FP32", probabilities)):
            output = InferOutput(name=name, shape=list(value.shape), datatype=datatype)
            output.set_data_from_numpy(value, binary_data=bool(request.use_binary_outputs))
            outputs.append(output)
        return InferResponse(
            response_id=request.id or "0",
            model_name="fraud",
            infer_outputs=outputs,
            use_binary_outputs=request.use_binary_outputs,
        )


if __name__ == "__main__":
    tuned, grpc = "tuned" in sys.argv, "grpc" in sys.argv
    sys.argv = sys.argv[:1]
    server = ModelServer(
        http_port=PORT, grpc_port=PORT + 1, enable_grpc=grpc or not tuned, enable_latency_logging=not tuned
    )
    if tuned:
        for name in ("uvicorn.access", "kserve.trace", "kserve"):
            logging.getLogger(name).disabled = True
    server.start([Fraud()])
