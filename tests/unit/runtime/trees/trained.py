"""Forests as scikit-learn trains them and skl2onnx writes them, and what other converters write around theirs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from skl2onnx import to_onnx
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from moorage_runtime.tensors import Array

FEATURES = 12


def rows(count: int, seed: int) -> Array:
    """FP32 [count, FEATURES]; a twentieth is missing."""
    rng = np.random.default_rng(seed)
    found = rng.normal(0, 2, (count, FEATURES))
    return np.where(rng.random(found.shape) < 0.05, np.nan, found).astype(np.float32)


def save(name: str, folder: Path) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(MODELS[name]().SerializeToString())
    return path


def _classes(count: int) -> tuple[Any, Any]:
    x, y = make_classification(600, FEATURES, n_informative=6, n_classes=count, random_state=3)
    return x.astype(np.float32), y


def _classifier(model: Any, classes: int, zipmap: bool = False, names: Any = None) -> Any:
    x, y = _classes(classes)
    model.fit(x, y if names is None else np.array(names)[y])
    return to_onnx(model, x[:1], options={id(model): {"zipmap": zipmap}}, target_opset=17)


def _regressor(model: Any, targets: int = 1) -> Any:
    x, y = make_regression(400, FEATURES, n_targets=targets, random_state=3)
    x = x.astype(np.float32)
    return to_onnx(model.fit(x, y), x[:1], target_opset=17)


def _as_lightgbm() -> Any:
    """Its converter puts Identity, a cast to what it is already, and a product with one behind the forest."""
    model = _classifier(GradientBoostingClassifier(n_estimators=5, random_state=0), 2)
    graph = model.graph
    (forest,) = (node for node in graph.node if node.op_type.startswith("Tree"))
    forest.output[:] = ["raw label", "raw scores"]
    behind = [
        helper.make_node("Identity", ["raw label"], ["a"]),
        helper.make_node("Cast", ["a"], ["label"], to=onnx.TensorProto.INT64),
        helper.make_node("Identity", ["raw scores"], ["b"]),
        helper.make_node("Mul", ["b", "one"], ["probabilities"]),
    ]
    del graph.node[:]
    graph.node.extend([forest, *behind])
    graph.initializer.append(numpy_helper.from_array(np.array([1.0], np.float32), "one"))
    return model


def _with_ten(kind: Any, **others: Any) -> Any:
    return kind(n_estimators=10, random_state=0, **others)


MODELS: dict[str, Callable[[], Any]] = {
    "boosting of two": lambda: _classifier(_with_ten(GradientBoostingClassifier), 2),
    "boosting of three": lambda: _classifier(_with_ten(GradientBoostingClassifier), 3),
    "forest of two": lambda: _classifier(_with_ten(RandomForestClassifier), 2),
    "forest of three": lambda: _classifier(_with_ten(RandomForestClassifier, max_depth=6), 3),
    "forest with a map": lambda: _classifier(_with_ten(RandomForestClassifier), 2, zipmap=True, names=["no", "yes"]),
    "extra trees": lambda: _classifier(_with_ten(ExtraTreesClassifier), 3),
    "one tree": lambda: _classifier(DecisionTreeClassifier(max_depth=4, random_state=0), 2),
    "as LightGBM's converter": _as_lightgbm,
    "boosting of a number": lambda: _regressor(_with_ten(GradientBoostingRegressor)),
    "forest of a number": lambda: _regressor(_with_ten(RandomForestRegressor, max_depth=8)),
    "forest of three numbers": lambda: _regressor(_with_ten(RandomForestRegressor, max_depth=5), 3),
    "one tree of a number": lambda: _regressor(DecisionTreeRegressor(max_depth=4, random_state=0)),
}
