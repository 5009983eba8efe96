"""The models of the benchmark, each an artifact folder as MLflow lays it out.

gb: gradient boosting, 100 trees of depth 3, [-1, 30] FP32 -> label INT64, probabilities FP32.
linear: logistic regression, the same signature: next to no work, and none that waits for a branch.
mlp: dense 30-1024-1024-1024-2, the same signature, 8.5 MB of weights.
image: the mean of each channel of [-1, 3, 224, 224] FP32: a big tensor for next to no work.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from e2e.cluster.cache import Cache, fingerprint
from onnx import TensorProto, helper, numpy_helper

from .places import CACHE

FEATURES = tuple(f"feature {index}" for index in range(30))
IMAGE = (3, 224, 224)
MLMODEL = """\
flavors:
  onnx: {data: model.onnx, onnx_version: 1.21.0, providers: [CPUExecutionProvider]}
  python_function: {data: model.onnx, loader_module: mlflow.onnx}
"""


def rows(count: int, start: int = 0) -> Any:
    """Rows [count, 30] FP64 of six decimals at most, the same at every call."""
    drawn: Any = np.random.default_rng(11).normal(0, 2, (4096, len(FEATURES)))
    return np.round(drawn[start : start + count], 6)


def image() -> Any:
    """One tensor [1, 3, 224, 224] FP32: 602,112 bytes."""
    return np.random.default_rng(11).random((1, *IMAGE), np.float32)


def artifact(name: str) -> Path:
    """The folder of one model; made at the first call."""
    make = {"gb": _boosting, "linear": _linear, "mlp": _perceptron, "image": _image}[name]
    key = fingerprint(Path(__file__).read_bytes())
    return Cache(CACHE / "artifacts").make(name, key, lambda folder: _lay_out(folder, make(), name != "image"))


def _lay_out(folder: Path, model: onnx.ModelProto, columns: bool) -> None:
    folder.mkdir()
    onnx.checker.check_model(model)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    text = MLMODEL
    if columns:
        signature = json.dumps([{"type": "float", "name": name, "required": True} for name in FEATURES])
        text += f"signature:\n  inputs: '{signature}'\n"
    (folder / "MLmodel").write_text(text)


def _boosting() -> onnx.ModelProto:
    from sklearn.ensemble import GradientBoostingClassifier

    return _classifier(GradientBoostingClassifier(n_estimators=100, max_depth=3, random_state=7))


def _linear() -> onnx.ModelProto:
    from sklearn.linear_model import LogisticRegression

    return _classifier(LogisticRegression(random_state=7))


def _classifier(classifier: Any) -> onnx.ModelProto:
    from skl2onnx import to_onnx
    from sklearn.datasets import make_classification

    x, y = make_classification(20_000, len(FEATURES), n_informative=12, weights=[0.97], random_state=7)
    classifier.fit(x, y)
    options = {id(classifier): {"zipmap": False}}
    model: onnx.ModelProto = to_onnx(classifier, rows(1).astype(np.float32), options=options, target_opset=17)
    for node in model.graph.node:
        node.input[:] = ["input" if name == "X" else name for name in node.input]
    model.graph.input[0].name = "input"
    return model


def _perceptron() -> onnx.ModelProto:
    rng = np.random.default_rng(7)
    nodes, weights, last = [], [], "input"
    sizes = (len(FEATURES), 1024, 1024, 1024, 2)
    for index, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes)):
        weight = rng.normal(0, (2 / fan_in) ** 0.5, (fan_in, fan_out)).astype(np.float32)
        weights += [
            numpy_helper.from_array(weight, f"w{index}"),
            numpy_helper.from_array(np.zeros(fan_out, np.float32), f"b{index}"),
        ]
        nodes.append(helper.make_node("Gemm", [last, f"w{index}", f"b{index}"], [f"g{index}"]))
        last = f"g{index}"
        if fan_out != sizes[-1]:
            nodes.append(helper.make_node("Relu", [last], [f"r{index}"]))
            last = f"r{index}"
    nodes += [
        helper.make_node("Softmax", [last], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0),
    ]
    outputs = [
        helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2]),
    ]
    return _model("mlp", nodes, [None, len(FEATURES)], outputs, weights)


def _image() -> onnx.ModelProto:
    node = helper.make_node("ReduceMean", ["input"], ["mean"], axes=[2, 3], keepdims=0)
    return _model(
        "image", [node], [None, *IMAGE], [helper.make_tensor_value_info("mean", TensorProto.FLOAT, [None, 3])]
    )


def _model(name: str, nodes: list[Any], shape: list[Any], outputs: list[Any], weights: Any = ()) -> onnx.ModelProto:
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)]
    graph = helper.make_graph(nodes, name, inputs, outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
