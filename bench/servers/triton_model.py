"""Triton's Python backend: all the requests of one call in one run of the session."""

from __future__ import annotations

from typing import Any

import numpy as np
import triton_python_backend_utils as backend
from onnx_session import NAMES, open_session


class TritonPythonModel:
    """What the backend looks for."""

    def initialize(self, args: dict[str, str]) -> None:  # noqa: ARG002
        self.session = open_session()

    def execute(self, requests: list[Any]) -> list[Any]:
        rows = [backend.get_input_tensor_by_name(request, "input").as_numpy() for request in requests]
        outputs = self.session.run(NAMES, {"input": np.concatenate(rows) if len(rows) > 1 else rows[0]})
        ends = np.cumsum([len(each) for each in rows])[:-1]
        return [
            backend.InferenceResponse([backend.Tensor(name, each) for name, each in zip(NAMES, parts, strict=True)])
            for parts in zip(*(np.split(output, ends) for output in outputs), strict=True)
        ]
