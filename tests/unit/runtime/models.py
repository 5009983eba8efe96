"""ONNX models from scikit-learn's breast-cancer data, as MLflow would lay them out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

MLMODEL = """\
artifact_path: model
flavors:
  onnx:
    data: model.onnx
    onnx_version: 1.21.0
    providers: [CPUExecutionProvider]
  python_function:
    data: model.onnx
    loader_module: mlflow.onnx
saved_input_example_info:
  artifact_path: input_example.json
  serving_input_path: serving_input_example.json
  type: dataframe
  pandas_orient: split
"""


def data() -> Any:
    return load_breast_cancer()


def rows(count: int) -> Any:
    return data().data[:count].astype(np.float32)


def write_boosting(folder: Path) -> None:
    bunch = data()
    model = GradientBoostingClassifier(n_estimators=20, random_state=0).fit(bunch.data, bunch.target)
    onnx_model = to_onnx(model, rows(1), options={id(model): {"zipmap": False}})
    example = {"columns": list(map(str, bunch.feature_names)), "data": bunch.data[:2].tolist()}
    folder.mkdir()
    (folder / "model.onnx").write_bytes(onnx_model.SerializeToString())
    (folder / "MLmodel").write_text(MLMODEL)
    (folder / "input_example.json").write_text(json.dumps(example))
    (folder / "serving_input_example.json").write_text(json.dumps({"dataframe_split": example}))


def write_logistic(folder: Path) -> None:
    bunch = data()
    model = LogisticRegression(solver="liblinear").fit(bunch.data, bunch.target)
    folder.mkdir()
    (folder / "any name.onnx").write_bytes(to_onnx(model, rows(1)).SerializeToString())


def write_words(folder: Path) -> None:
    """Text in, the same text out, beside its halves as FP64: identity and division by two."""
    inputs = [
        helper.make_tensor_value_info("text", TensorProto.STRING, [None]),
        helper.make_tensor_value_info("number", TensorProto.DOUBLE, [None, 1]),
    ]
    outputs = [
        helper.make_tensor_value_info("echo", TensorProto.STRING, [None]),
        helper.make_tensor_value_info("root", TensorProto.DOUBLE, [None, 1]),
    ]
    nodes = [helper.make_node("Identity", ["text"], ["echo"]), helper.make_node("Sqrt", ["number"], ["root"])]
    _save(folder, helper.make_graph(nodes, "words", inputs, outputs))


def write_slow(folder: Path) -> None:
    """A chain of matrix products, tens of milliseconds a run: `x` [-1, 512] -> `y`."""
    weights = np.eye(512, dtype=np.float32)
    nodes, last = [], "x"
    for index in range(60):
        name = "y" if index == 59 else f"h{index}"
        nodes.append(helper.make_node("MatMul", [last, "w"], [name]))
        last = name
    graph = helper.make_graph(
        nodes,
        "slow",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 512])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 512])],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    _save(folder, graph)


def _save(folder: Path, graph: Any) -> None:
    folder.mkdir()
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(folder / "model.onnx"))
