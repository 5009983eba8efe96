"""Models that answer what they are asked, one input and one output of each datatype: `in_FP32` -> `out_FP32`, [-1, 2].

ONNX Runtime is not given BF16 and text together, so there are two.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from moorage_runtime.tensors import dtype_of

DATATYPES = {
    "BOOL": TensorProto.BOOL,
    "UINT8": TensorProto.UINT8,
    "UINT16": TensorProto.UINT16,
    "UINT32": TensorProto.UINT32,
    "UINT64": TensorProto.UINT64,
    "INT8": TensorProto.INT8,
    "INT16": TensorProto.INT16,
    "INT32": TensorProto.INT32,
    "INT64": TensorProto.INT64,
    "FP16": TensorProto.FLOAT16,
    "FP32": TensorProto.FLOAT,
    "FP64": TensorProto.DOUBLE,
    "BYTES": TensorProto.STRING,
    "BF16": TensorProto.BFLOAT16,
}


NUMBERS = tuple(name for name in DATATYPES if name != "BYTES")
NUMPY = tuple(name for name in DATATYPES if name != "BF16")


def write(folder: Path, datatypes: Sequence[str] = NUMPY) -> None:
    """The model, with its inputs in the order of `datatypes`."""
    shape = [None, 2]
    inputs = [helper.make_tensor_value_info(f"in_{name}", DATATYPES[name], shape) for name in datatypes]
    outputs = [helper.make_tensor_value_info(f"out_{name}", DATATYPES[name], shape) for name in datatypes]
    nodes = [helper.make_node("Identity", [f"in_{name}"], [f"out_{name}"]) for name in datatypes]
    graph = helper.make_graph(nodes, "identities", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    folder.mkdir()
    onnx.save(model, str(folder / "model.onnx"))


def values(datatype: str, rows: int) -> Any:
    """Some values, the extremes of the datatype among them: [rows, 2]."""
    count = rows * 2
    if datatype == "BYTES":
        return np.array([f"\u00e4{at}" if at % 2 else "" for at in range(count)], object).reshape(rows, 2)
    if datatype == "BOOL":
        return (np.arange(count) % 2 == 0).reshape(rows, 2)
    dtype = dtype_of(datatype)
    if datatype.startswith("FP") or datatype == "BF16":
        return np.linspace(-2, 2, count).astype(dtype).reshape(rows, 2)
    limits = np.iinfo(dtype)
    return np.resize(np.array([limits.min, limits.max, 1], dtype), count).reshape(rows, 2)
