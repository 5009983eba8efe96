"""ONNX models by ONNX Runtime, on the CPU.

The model is loaded by path: only so may it keep its weights in files beside it, and ONNX Runtime then refuses those
that lie outside the model's folder. Custom operator libraries are never loaded.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from moorage_runtime.engines import reasons
from moorage_runtime.engines.engine import Cancel
from moorage_runtime.errors import LoadFault
from moorage_runtime.tensors import Array, TensorSpec, dtype_of

_DATATYPES = {
    "tensor(bool)": "BOOL",
    "tensor(uint8)": "UINT8",
    "tensor(uint16)": "UINT16",
    "tensor(uint32)": "UINT32",
    "tensor(uint64)": "UINT64",
    "tensor(int8)": "INT8",
    "tensor(int16)": "INT16",
    "tensor(int32)": "INT32",
    "tensor(int64)": "INT64",
    "tensor(float16)": "FP16",
    "tensor(float)": "FP32",
    "tensor(double)": "FP64",
    "tensor(string)": "BYTES",
}
# Folders in front of a file name: the machine's, of no use to the reader.
_FOLDERS = re.compile(r"(?:/[^/\s\"']+)*/(?=[^/\s\"'])")
_MAP_VALUES = {"float": "FP32", "double": "FP64", "int64": "INT64", "string": "BYTES"}


class OnnxEngine:
    """One ONNX model in one session."""

    platform = "onnxruntime_onnxv1"

    def __init__(self, session: Any, new_options: Callable[[], Any]) -> None:
        self._session = session
        self._new_options = new_options
        self.inputs: Mapping[str, TensorSpec] = {value.name: _spec(value) for value in session.get_inputs()}
        self.outputs: Mapping[str, TensorSpec] = {value.name: _spec(value) for value in session.get_outputs()}
        self._all = list(self.outputs)
        self._sequences = [value.name for value in session.get_outputs() if value.type.startswith("seq")]

    def infer(
        self, inputs: Mapping[str, Array], outputs: Sequence[str] | None = None, cancel: Cancel | None = None
    ) -> dict[str, Array]:
        """Run the model once, in this thread and the session's own; a cancelled run ends at its next operator."""
        names = self._all if outputs is None else list(outputs)
        options = self._cancellable(cancel) if cancel else None
        values = dict(zip(names, self._session.run(names, inputs, options), strict=True))
        for name in self._sequences:
            if name in values:
                values[name] = _from_sequence(values[name], dtype_of(self.outputs[name].datatype))
        return values

    def _cancellable(self, cancel: Cancel) -> Any:
        options = self._new_options()
        cancel.on_call(lambda: setattr(options, "terminate", True))
        return options

    def close(self) -> None:
        """Drop the session, and with it the weights."""
        self._session = None


def load(model_file: Path, threads: int) -> OnnxEngine:
    """Load a model with `threads` threads for one run. Raises `LoadFault`, never with a path of this machine in it."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime as ort

    ort.set_default_logger_severity(3)
    try:
        session = ort.InferenceSession(str(model_file), _options(ort, threads), providers=["CPUExecutionProvider"])
    except Exception as error:
        cause = _FOLDERS.sub("", str(error))
        raise LoadFault(
            reasons.MODEL_LOAD_FAILED, f"ONNX Runtime {ort.__version__} cannot load {model_file.name}: {cause[:600]}"
        ) from error
    return OnnxEngine(session, ort.RunOptions)


def _options(ort: Any, threads: int) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    # A spinning thread in a pod with a CPU limit burns the quota that the next request needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # The .ort format can point outside itself; only the checked ONNX format is read, whatever a file is called.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    return options


def _spec(value: Any) -> TensorSpec:
    if value.type.startswith("seq(map("):
        return TensorSpec(value.name, _MAP_VALUES[value.type.rpartition("tensor(")[2].rstrip(")")], (-1, -1))
    datatype = _DATATYPES.get(value.type)
    if datatype is None:
        raise LoadFault(
            reasons.TENSOR_UNSUPPORTED,
            f"{value.name!r} is a {value.type}; this runtime takes tensors of {', '.join(sorted(_DATATYPES.values()))}",
        )
    return TensorSpec(value.name, datatype, tuple(dim if isinstance(dim, int) else -1 for dim in value.shape))


def _from_sequence(rows: Sequence[Mapping[Any, Any]], dtype: np.dtype[Any]) -> Array:
    """scikit-learn's ZipMap gives one map per row, class -> probability: rows x classes, in the maps' own order."""
    if not rows:
        return np.zeros((0, 0), dtype)
    return np.array([[row[key] for key in rows[0]] for row in rows], dtype)
