"""MLServer's custom runtime around the session (it ships none for ONNX); run as a script it writes the settings.

Words: [tuned] [batch]. tuned: the model in the serving process, no access log, no metrics endpoint, no gzip.
batch: adaptive batching of 64 requests within 1 ms.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from mlserver import MLModel, types
from mlserver.codecs import NumpyCodec
from onnx_session import NAMES, PORT, open_session


class Fraud(MLModel):
    """The runtime."""

    async def load(self) -> bool:
        self.session = open_session()
        return True

    async def predict(self, payload: types.InferenceRequest) -> types.InferenceResponse:
        rows = NumpyCodec.decode_input(payload.inputs[0])
        label, probabilities = self.session.run(NAMES, {"input": rows})
        outputs = [NumpyCodec.encode_output("label", label), NumpyCodec.encode_output("probabilities", probabilities)]
        return types.InferenceResponse(id=payload.id, model_name="fraud", outputs=outputs)


def write_settings(folder: Path, tuned: bool, batch: bool) -> None:
    settings = {
        "host": "127.0.0.1",
        "http_port": PORT,
        "grpc_port": PORT + 1,
        "metrics_port": PORT + 2,
        "metrics_dir": str(folder),
    }
    if tuned:
        settings |= {"debug": False, "parallel_workers": 0, "metrics_endpoint": None, "gzip_enabled": False}
    batching = {"max_batch_size": 64, "max_batch_time": 0.001} if batch else {}
    model = {"name": "fraud", "implementation": "mlserver_runtime.Fraud"} | batching
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "model-settings.json").write_text(json.dumps(model))


if __name__ == "__main__":
    write_settings(Path.cwd(), "tuned" in sys.argv, "batch" in sys.argv)
