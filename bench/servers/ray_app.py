"""Ray Serve, one replica behind the node's proxy. Words: [tuned] [batch].

tuned: 256 requests at once, no access log. batch: serve.batch of 64 within 1 ms.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import ray
from onnx_session import NAMES, PORT, open_session, v2_outputs
from ray import serve
from ray.serve.schema import LoggingConfig
from starlette.requests import Request

TUNED, BATCH = "tuned" in sys.argv, "batch" in sys.argv
OPTIONS: dict[str, Any] = (
    {"max_ongoing_requests": 256, "logging_config": LoggingConfig(enable_access_log=False)} if TUNED else {}
)


@serve.deployment(num_replicas=1, ray_actor_options={"num_cpus": 0.5}, **OPTIONS)
class Fraud:
    """The replica."""

    def __init__(self, batch: bool) -> None:
        self.session = open_session()
        self.together = batch

    @serve.batch(max_batch_size=64, batch_wait_timeout_s=0.001)
    async def many(self, requests: list[Any]) -> list[Any]:
        outputs = self.session.run(NAMES, {"input": np.concatenate(requests)})
        ends = np.cumsum([len(rows) for rows in requests])[:-1]
        return list(zip(*(np.split(each, ends) for each in outputs), strict=True))

    async def __call__(self, request: Request) -> Any:
        body = await request.json()
        if "inputs" in body:
            tensor = body["inputs"][0]
            rows = np.array(tensor["data"], dtype=np.float32).reshape(tensor["shape"])
            outputs = await self.many(rows) if self.together else self.session.run(NAMES, {"input": rows})
            return {"model_name": "fraud", "outputs": v2_outputs(*outputs)}
        rows = np.array(body["instances"], dtype=np.float32)
        return {"predictions": self.session.run(["probabilities"], {"input": rows})[0].tolist()}


if __name__ == "__main__":
    ray.init(
        num_cpus=4,
        include_dashboard=False,
        configure_logging=False,
        object_store_memory=200_000_000,
        _temp_dir=str(Path.cwd() / "ray"),
    )
    serve.start(
        http_options={"host": "127.0.0.1", "port": PORT}, logging_config=LoggingConfig(enable_access_log=not TUNED)
    )
    serve.run(Fraud.bind(BATCH), route_prefix="/")
    while True:
        time.sleep(60)
