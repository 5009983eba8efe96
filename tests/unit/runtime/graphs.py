"""Small ONNX graphs, made by hand, each for one trait of the engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

FLOAT, TEXT, INT64, BF16, FP16 = (
    TensorProto.FLOAT,
    TensorProto.STRING,
    TensorProto.INT64,
    TensorProto.BFLOAT16,
    TensorProto.FLOAT16,
)
node = helper.make_node
sequence = helper.make_tensor_sequence_value_info


def tensor(name: str, kind: int = FLOAT, shape: Sequence[int | str | None] | None = ("n", 2)) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def optional(name: str) -> Any:
    return helper.make_value_info(name, helper.make_optional_type_proto(helper.make_tensor_type_proto(FLOAT, [2])))


def weight(name: str, values: Any) -> Any:
    return onnx.numpy_helper.from_array(values, name)


def save(
    folder: Path, nodes: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], weights: Sequence[Any] = ()
) -> Path:
    graph = helper.make_graph(list(nodes), "graph", list(inputs), list(outputs), list(weights))
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    path = folder / "model.onnx"
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), str(path))
    return path


def model(size: int = 0, seed: int = 0, *, opset: int = 18, ir_version: int = 9) -> bytes:
    """A whole model file, as incompressible as weights are: `x` [n, 2] -> `y`, and `size` bytes that nobody uses."""
    ballast = np.random.default_rng(seed).integers(0, 256, size, np.uint8)
    graph = helper.make_graph([node("Identity", ["x"], ["y"])], "graph", [tensor("x")], [tensor("y")])
    graph.initializer.append(weight("ballast", ballast))
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)
    return bytes(made.SerializeToString())
