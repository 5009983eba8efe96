"""LitServe. Words: [tuned] [batch]. tuned: the zmq queue, no access log. batch: 64 requests within 1 ms."""

from __future__ import annotations

import sys
from typing import Any

import litserve
import numpy as np
from onnx_session import NAMES, PORT, open_session, v2_outputs


class Fraud(litserve.LitAPI):
    """One request at a time."""

    def setup(self, device: str) -> None:  # noqa: ARG002
        self.session = open_session()

    # LitServe takes an annotation here for the type of a query parameter.
    def decode_request(self, request):  # type: ignore[no-untyped-def]
        if "inputs" in request:
            tensor = request["inputs"][0]
            return np.array(tensor["data"], dtype=np.float32).reshape(tensor["shape"])
        return np.array(request["instances"], dtype=np.float32)

    def predict(self, rows: Any) -> Any:
        return self.session.run(NAMES, {"input": rows})

    def encode_response(self, output: Any) -> dict[str, Any]:
        return {"model_name": "fraud", "outputs": v2_outputs(*output)}


class Batched(Fraud):
    """Many requests at a time."""

    def batch(self, inputs: list[Any]) -> Any:
        self.ends = np.cumsum([len(rows) for rows in inputs])[:-1]
        return np.concatenate(inputs)

    def unbatch(self, output: Any) -> list[Any]:
        return list(zip(*(np.split(each, self.ends) for each in output), strict=True))


if __name__ == "__main__":
    path = "/v2/models/fraud/infer"
    api = (
        Batched(api_path=path, max_batch_size=64, batch_timeout=0.001) if "batch" in sys.argv else Fraud(api_path=path)
    )
    tuned = "tuned" in sys.argv
    quiet = {"log_level": "error", "access_log": False} if tuned else {}
    server = litserve.LitServer(api, accelerator="cpu", fast_queue=tuned, healthcheck_path="/v2/health/ready")
    server.run(host="127.0.0.1", port=PORT, generate_client_file=False, **quiet)
