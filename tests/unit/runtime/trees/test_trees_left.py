"""Forests that the kernel does not walk are served by ONNX Runtime, and `/state` says why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from tests.unit.runtime.graphs import FLOAT, INT64, node, save, tensor
from tests.unit.runtime.trees import forests, trained
from tests.unit.runtime.trees.forests import Grown
from tests.unit.runtime.trees.reference import reference

from moorage_runtime.config import Onnx
from moorage_runtime.engines import onnx as engine
from moorage_runtime.engines.onnx.session import ONNX_RUNTIME, TREES
from moorage_runtime.engines.onnx.trees import layout, probe

COMPILED = pytest.importorskip("moorage_runtime.engines.onnx.trees.kernel", reason="the runtime is not compiled")


def grown(**others: Any) -> Grown:
    """x[0] <= 0.5 ? (x[1] < 3 ? 1 : 2) : 3, for the first of one target."""
    nodes: dict[str, list[Any]] = {
        "treeids": [0, 0, 0, 0, 0],
        "nodeids": [0, 1, 2, 3, 4],
        "featureids": [0, 1, 0, 0, 0],
        "values": [0.5, 3.0, 0.0, 0.0, 0.0],
        "modes": ["BRANCH_LEQ", "BRANCH_LT", "LEAF", "LEAF", "LEAF"],
        "truenodeids": [1, 2, 0, 0, 0],
        "falsenodeids": [4, 3, 0, 0, 0],
        "missing_value_tracks_true": [0, 1, 0, 0, 0],
    }
    weights: dict[str, list[Any]] = {
        "treeids": [0, 0, 0],
        "nodeids": [2, 3, 4],
        "ids": [0, 0, 0],
        "weights": [1.0, 2.0, 3.0],
    }
    told = {"n_targets": 1, "post_transform": "NONE", "base_values": [], **others}
    return Grown("TreeEnsembleRegressor", nodes, weights, told)


def classifier(classes: int, **others: Any) -> Grown:
    found = grown(classlabels_int64s=list(range(classes)), **others)
    found.operator = "TreeEnsembleClassifier"
    del found.others["n_targets"]
    return found


def replaced(part: str, **lists: Any) -> Grown:
    found = grown()
    getattr(found, part).update(lists)
    return found


def one_node_more() -> Grown:
    """A ring of two nodes that no root leads to."""
    found = grown()
    for name, (one, other) in {
        "treeids": (0, 0),
        "nodeids": (5, 6),
        "featureids": (0, 0),
        "values": (0.0, 0.0),
        "modes": ("BRANCH_LEQ", "LEAF"),
        "truenodeids": (5, 0),
        "falsenodeids": (6, 0),
        "missing_value_tracks_true": (0, 0),
    }.items():
        found.nodes[name] += [one, other]
    return found


def chain(depth: int) -> Grown:
    """One tree that is as deep as it has branches."""
    found = grown()
    count = 2 * depth + 1
    leaves = [*range(1, count - 1, 2), count - 1]
    found.nodes = {
        "treeids": [0] * count,
        "nodeids": list(range(count)),
        "featureids": [0] * count,
        "values": [float(index % 7) - 3 for index in range(count)],
        "modes": ["LEAF" if index in leaves else "BRANCH_LEQ" for index in range(count)],
        "truenodeids": [0 if index in leaves else index + 1 for index in range(count)],
        "falsenodeids": [0 if index in leaves else index + 2 for index in range(count)],
    }
    found.weights = {
        "treeids": [0] * len(leaves),
        "nodeids": leaves,
        "ids": [0] * len(leaves),
        "weights": [float(index) for index in leaves],
    }
    return found


LEFT: dict[str, tuple[Callable[[], Grown], str]] = {
    "mode": (lambda: replaced("nodes", modes=["BRANCH_GT", "BRANCH_LT", *["LEAF"] * 3]), "mode BRANCH_GT"),
    "aggregate": (lambda: grown(aggregate_function="AVERAGE"), "aggregate function AVERAGE"),
    "transform": (lambda: grown(post_transform="LOGISTIC"), "transform LOGISTIC here"),
    "transform of two": (lambda: classifier(2, post_transform="SOFTMAX"), "transform SOFTMAX here"),
    "sum of the second class": (lambda: _second_class(), "its only sum is the second class's"),
    "two sums of two": (lambda: _two_sums(), "it tells 2 classes by a sum for each"),
    "a class without weights": (lambda: classifier(3), "weights for other targets than the rest"),
    "a base for nobody": (lambda: classifier(2, base_values=[1.0, 2.0]), "2 base values for 1 sums"),
    "depth": (lambda: chain(layout.DEPTH + 1), "deeper than 64"),
    "a leaf without weight": (
        lambda: replaced("weights", treeids=[0, 0], nodeids=[2, 3], ids=[0, 0], weights=[1.0, 2.0]),
        "some leaves have weights for other targets than the rest",
    ),
    "two weights of a leaf": (
        lambda: replaced("weights", treeids=[0] * 3, nodeids=[2, 2, 4], ids=[0] * 3, weights=[1.0, 2.0, 3.0]),
        "or several for one",
    ),
    "a weight that is no number": (
        lambda: replaced("weights", weights=[1.0, float("nan"), 3.0]),
        "a weight is not a number",
    ),
    "a threshold that is no number": (
        lambda: replaced("nodes", values=[float("nan"), 3.0, 0.0, 0.0, 0.0]),
        "a threshold is not a number",
    ),
    "less than endless": (
        lambda: replaced("nodes", values=[0.5, float("inf"), 0.0, 0.0, 0.0]),
        "a threshold is not a number",
    ),
}


def _second_class() -> Grown:
    found = classifier(2)
    found.weights["ids"] = [1, 1, 1]
    return found


def _two_sums() -> Grown:
    found = classifier(2)
    found.weights = {
        "treeids": [0] * 6,
        "nodeids": [2, 2, 3, 3, 4, 4],
        "ids": [0, 1] * 3,
        "weights": [0.1, 0.9, 0.2, 0.8, 0.3, 0.7],
    }
    return found


@pytest.mark.parametrize("what", LEFT)
def test_what_the_kernel_does_not_know_is_left_to_onnx_runtime(what: str, tmp_path: Path) -> None:
    make, reason = LEFT[what]
    path = make().save(tmp_path)
    loaded = engine.load(path, 1)
    assert loaded.kernel.name == ONNX_RUNTIME.name
    assert reason in loaded.kernel.reason
    rows = forests.rows(20, 1)
    np.testing.assert_equal(loaded.infer({"x": rows}), reference(path)(rows))


def test_the_same_forest_unspoiled_is_walked(tmp_path: Path) -> None:
    for index, forest in enumerate((grown(), classifier(2), chain(layout.DEPTH))):
        assert engine.load(forest.save(tmp_path / str(index)), 1).kernel == TREES


def _around(name: str, folder: Path) -> Path:
    forest = node("TreeEnsembleRegressor", ["x"], ["scores"], domain="ai.onnx.ml", **grown().attributes())
    x, y = tensor("x", shape=["n", 5]), tensor("scores", FLOAT, ["n", None])
    match name:
        case "an open number of columns":
            return save(folder, [forest], [tensor("x", shape=["n", "m"])], [y])
        case "whole numbers":
            told = classifier(2).attributes()
            forest = node("TreeEnsembleClassifier", ["x"], ["label", "scores"], domain="ai.onnx.ml", **told)
            return save(folder, [forest], [tensor("x", INT64, ["n", 5])], [tensor("label", INT64, ["n"]), y])
        case "something in front":
            scaled = node("Neg", ["a"], ["x"])
            return save(folder, [scaled, forest], [tensor("a", shape=["n", 5])], [y])
        case "something behind":
            return save(folder, [forest, node("Exp", ["scores"], ["z"])], [x], [tensor("z", FLOAT, ["n", None])])
        case "something beside":
            return save(folder, [forest, node("Neg", ["x"], ["z"])], [x], [y, tensor("z", FLOAT, ["n", 5])])
        case "a second input":
            add = node("Add", ["scores", "b"], ["z"])
            return save(folder, [forest, add], [x, tensor("b", shape=["n", 1])], [tensor("z", FLOAT, ["n", None])])
        case "another forest":
            second = node("TreeEnsembleRegressor", ["x"], ["more"], domain="ai.onnx.ml", **grown().attributes())
            return save(folder, [forest, second], [x], [y, tensor("more", FLOAT, ["n", None])])
    raise ValueError(name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("an open number of columns", "FP32 with a fixed number of columns"),
        ("whole numbers", "FP32 with a fixed number of columns"),
        ("something in front", "its input is not the model's only one"),
        ("something behind", "beside the forest there is Exp"),
        ("something beside", "output 'z' is not the forest's"),
        ("a second input", "beside the forest there is Add"),
        ("another forest", "more than one forest"),
    ],
)
def test_a_model_that_is_more_than_a_forest_is_left(name: str, reason: str, tmp_path: Path) -> None:
    loaded = engine.load(_around(name, tmp_path), 1)
    assert loaded.kernel.name == ONNX_RUNTIME.name
    assert reason in loaded.kernel.reason


def test_a_model_without_a_forest_has_no_reason(tmp_path: Path) -> None:
    path = save(tmp_path, [node("Neg", ["x"], ["y"])], [tensor("x")], [tensor("y")])
    assert engine.load(path, 1).kernel == ONNX_RUNTIME


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (Onnx(enable_tree_kernel=False), "enableTreeKernel is false"),
        (Onnx(session_config={"session.set_denormal_as_zero": "1"}), "sessionConfig takes the numbers nearest to zero"),
        (Onnx(execution_providers=("AzureExecutionProvider",)), "executionProviders are AzureExecutionProvider"),
    ],
)
def test_what_the_deployment_asks_of_onnx_runtime_it_gets(told: Onnx, reason: str, tmp_path: Path) -> None:
    loaded = engine.load(grown().save(tmp_path), 1, told)
    assert loaded.kernel.name == ONNX_RUNTIME.name
    assert reason in loaded.kernel.reason


def test_a_kernel_that_answers_otherwise_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it would be if another version of ONNX Runtime summed up otherwise."""
    path = trained.save("boosting of two", tmp_path)
    infer = engine.load(path, 1).infer
    rows = trained.rows(50, 0)
    wanted = infer({"X": rows})

    monkeypatch.setattr(probe, "same", lambda wanted, got: False)
    for threads in (1, 2):
        loaded = engine.load(path, threads)
        assert loaded.kernel.reason == "the kernel does not answer as ONNX Runtime does"
        np.testing.assert_allclose(loaded.infer({"X": rows})["probabilities"], wanted["probabilities"], rtol=1e-5)


def test_a_single_bit_is_a_difference() -> None:
    one = {"y": np.array([[0.1, 0.9]], np.float32)}
    other = {"y": np.nextafter(one["y"], np.float32(1))}
    assert probe.same(one, {"y": one["y"].copy()})
    assert not probe.same(one, other)
    assert not probe.same(one, {"y": one["y"][0]})
    assert not probe.same(one, {"z": one["y"]})
    assert not probe.same({"y": np.array([0.0], np.float32)}, {"y": np.array([-0.0], np.float32)})


def test_the_probes_meet_each_threshold_from_both_sides(tmp_path: Path) -> None:
    path = trained.save("boosting of three", tmp_path)
    forest = next(n for n in onnx.load(str(path)).graph.node if n.op_type.startswith("Tree"))
    told = {a.name: helper.get_attribute_value(a) for a in forest.attribute}
    asked: list[Any] = []
    original = probe.rows

    def seen(laid: Any, features: int) -> Any:
        asked.append(original(laid, features))
        return asked[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(probe, "rows", seen)
        engine.load(path, 1)
    (rows,) = asked
    assert rows.shape == (probe.ROWS, trained.FEATURES)
    assert np.isnan(rows).any(axis=0).all()
    for feature in set(told["nodes_featureids"]):
        thresholds = {
            np.float32(value)
            for value, mode, at in zip(told["nodes_values"], told["nodes_modes"], told["nodes_featureids"], strict=True)
            if at == feature and mode != b"LEAF"
        }
        values = set(rows[:, feature].tolist())
        assert {float(each) for each in thresholds} & values
        assert {float(np.nextafter(each, np.float32(np.inf))) for each in thresholds} & values
        assert {float(np.nextafter(each, np.float32(-np.inf))) for each in thresholds} & values
