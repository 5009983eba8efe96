"""What every Python server here shares: the model, opened with one thread for its one core."""

from __future__ import annotations

import os
from typing import Any

import onnxruntime

NAMES = ["label", "probabilities"]
PORT = int(os.environ.get("PORT", "0"))


def open_session(threads: int | None = 1) -> Any:
    """The model as a session; without a number of threads onnxruntime's own defaults hold."""
    options = onnxruntime.SessionOptions()
    if threads:
        options.intra_op_num_threads = options.inter_op_num_threads = threads
    return onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])


def v2_outputs(label: Any, probabilities: Any) -> list[dict[str, Any]]:
    """Both outputs as tensors of the Open Inference Protocol."""
    return [
        {"name": "label", "datatype": "INT64", "shape": list(label.shape), "data": label.tolist()},
        {
            "name": "probabilities",
            "datatype": "FP32",
            "shape": list(probabilities.shape),
            "data": probabilities.ravel().tolist(),
        },
    ]
