"""What has to be answered: ONNX Runtime's own words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnxruntime as ort

from moorage_runtime.engines.onnx import kinds
from moorage_runtime.tensors import Array


def reference(path: Path) -> Callable[[Array], dict[str, Any]]:
    """ONNX Runtime alone, in one thread: rows -> its outputs by name, maps as tables."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = ort.InferenceSession(str(path), options)
    names = [value.name for value in session.get_outputs()]
    (source,) = session.get_inputs()

    def run(rows: Array) -> dict[str, Any]:
        found = dict(zip(names, session.run(names, {source.name: rows}), strict=True))
        return {name: kinds.from_maps(v, "FP32") if isinstance(v, list) else v for name, v in found.items()}

    return run
