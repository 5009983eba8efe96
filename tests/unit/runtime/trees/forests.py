"""Forests of every kind that a model file may hold, as ONNX files, and rows that are hard on them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from hypothesis import strategies as st
from tests.unit.runtime.graphs import FLOAT, INT64, TEXT, node, save, tensor

from moorage_runtime.tensors import Array

FEATURES = 5
# Few, so that rows meet them; with both zeros, and numbers next to zero and next to each other.
NUMBERS = (-2.5, -1.0, -1e-40, -0.0, 0.0, 1e-40, 0.5, float(np.nextafter(np.float32(0.5), np.float32(1))), 3.0, 1e30)
VALUES = (*NUMBERS, np.nan, np.inf, -np.inf, -1e30, 3.4028235e38)


class Grown(msgspec.Struct):
    """The attributes of a forest's node, as the operator calls them without their prefixes."""

    operator: str
    nodes: dict[str, list[Any]]
    weights: dict[str, list[Any]]
    others: dict[str, Any]

    def attributes(self) -> dict[str, Any]:
        prefix = "class" if self.operator.endswith("Classifier") else "target"
        return {
            **{f"nodes_{name}": values for name, values in self.nodes.items() if values},
            **{f"{prefix}_{name}": values for name, values in self.weights.items()},
            **{name: value for name, value in self.others.items() if value not in ([], None)},
        }

    def save(self, folder: Path, features: int = FEATURES) -> Path:
        made = [node(self.operator, ["x"], self.outputs(), domain="ai.onnx.ml", **self.attributes())]
        kind = TEXT if self.others.get("classlabels_strings") else INT64
        outputs = [tensor("label", kind, ["n"])] if len(self.outputs()) == 2 else []
        return save(
            folder, made, [tensor("x", shape=["n", features])], [*outputs, tensor("scores", FLOAT, ["n", None])]
        )

    def outputs(self) -> list[str]:
        return ["label", "scores"] if self.operator.endswith("Classifier") else ["scores"]


def _tree(draw: Any, depth: int, weights: st.SearchStrategy[float], targets: list[int]) -> Any:
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return [(target, draw(weights)) for target in targets]
    return {
        "feature": draw(st.integers(0, FEATURES - 1)),
        "value": draw(st.sampled_from(NUMBERS)),
        "mode": draw(st.sampled_from(("BRANCH_LEQ", "BRANCH_LT"))),
        "tracks": draw(st.booleans()),
        "children": [_tree(draw, depth - 1, weights, targets) for _ in range(2)],
    }


def _size(tree: Any) -> int:
    return 1 if isinstance(tree, list) else 1 + sum(map(_size, tree["children"]))


def _fill(grown: Grown, tree: Any, number: int, ids: list[int]) -> int:
    """Write the tree's nodes, the children behind their parent; gives the id of the root."""
    own = ids.pop()
    leaf = isinstance(tree, list)
    row = {"treeids": number, "nodeids": own, "featureids": 0, "values": 0.0, "modes": "LEAF"}
    at = len(grown.nodes["nodeids"])
    told = row if leaf else {**row, "featureids": tree["feature"], "values": tree["value"], "modes": tree["mode"]}
    for name, value in told.items():
        grown.nodes[name].append(value)
    grown.nodes[_TRACKS].append(0 if leaf else int(tree["tracks"]))
    for name in ("truenodeids", "falsenodeids"):
        grown.nodes[name].append(0)
    if not leaf:
        for name, child in zip(("truenodeids", "falsenodeids"), tree["children"], strict=True):
            grown.nodes[name][at] = _fill(grown, child, number, ids)
    for target, weight in tree if leaf else ():
        for name, value in (("treeids", number), ("nodeids", own), ("ids", target), ("weights", weight)):
            grown.weights[name].append(value)
    return own


_NODES = ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids")
_TRACKS = "missing_value_tracks_true"


def _empty(operator: str, others: Mapping[str, Any]) -> Grown:
    weights: dict[str, list[Any]] = {name: [] for name in ("treeids", "nodeids", "ids", "weights")}
    return Grown(operator, {name: [] for name in (*_NODES, _TRACKS)}, weights, {**others})


def _bases(draw: Any, count: int) -> list[float]:
    some = st.floats(-3, 3, width=32)
    found: list[float] = draw(st.one_of(st.just([]), st.lists(some, min_size=count, max_size=count)))
    return found


_MIXED = st.one_of(st.floats(-2, 2, width=32), st.sampled_from((0.0, -0.0, 1e-38, 1e6, -1e6)))
_PARTS = st.one_of(st.floats(0, 0.5, width=32), st.sampled_from((0.0, 0.5, 1e-38)))


@st.composite
def classifiers_of_two(draw: Any) -> Grown:
    """One sum for two classes: a probability, or anything through the logistic function."""
    positive = draw(st.booleans())
    others = {
        "post_transform": draw(st.sampled_from(("NONE", "LOGISTIC"))) if positive else "LOGISTIC",
        "base_values": _bases(draw, 1),
        **_labels(draw, 2),
    }
    grown = _empty("TreeEnsembleClassifier", others)
    _grow(draw, grown, _PARTS if positive else _MIXED, lambda _: [0])
    if not positive:
        grown.weights["weights"][0] = -0.75
    return grown


@st.composite
def classifiers_of_many(draw: Any) -> Grown:
    """A sum for each class, from trees for one class each or for all of them."""
    classes = draw(st.integers(3, 6))
    transform = draw(st.sampled_from(("NONE", "LOGISTIC", "SOFTMAX")))
    others = {"post_transform": transform, "base_values": _bases(draw, classes), **_labels(draw, classes)}
    grown = _empty("TreeEnsembleClassifier", others)
    alone = draw(st.booleans())
    _grow(draw, grown, _MIXED, lambda t: [t % classes] if alone else list(range(classes)), classes if alone else 1)
    return grown


@st.composite
def regressors(draw: Any) -> Grown:
    """A sum for each target."""
    targets = draw(st.integers(1, 4))
    others = {
        "n_targets": targets,
        "post_transform": "NONE",
        "aggregate_function": draw(st.sampled_from((None, "SUM"))),
        "base_values": _bases(draw, targets),
    }
    grown = _empty("TreeEnsembleRegressor", others)
    _grow(draw, grown, _MIXED, lambda _: list(range(targets)))
    return grown


def _labels(draw: Any, count: int) -> dict[str, Any]:
    if draw(st.booleans()):
        return {"classlabels_strings": [f"class {index}" for index in range(count)]}
    return {"classlabels_int64s": draw(st.lists(st.integers(-9, 2**40), min_size=count, max_size=count, unique=True))}


def _grow(draw: Any, grown: Grown, weights: st.SearchStrategy[float], targets: Any, least: int = 1) -> None:
    count = draw(st.integers(least, least + 6))
    numbers = draw(st.permutations(range(count)))
    for position, number in enumerate(numbers):
        tree = _tree(draw, draw(st.integers(0, 4)), weights, targets(position))
        ids = draw(st.permutations(range(_size(tree))))
        _fill(grown, tree, number, list(ids))
    if draw(st.integers(0, 3)) == 0:
        grown.nodes[_TRACKS] = []


def rows(count: int, seed: int, features: int = FEATURES) -> Array:
    """FP32 [count, features] of the numbers that the forests ask for, and others."""
    rng = np.random.default_rng(seed)
    found = rng.choice(np.array(VALUES, np.float32), (count, features))
    return np.where(rng.random(found.shape) < 0.3, rng.normal(0, 2, found.shape), found).astype(np.float32)
