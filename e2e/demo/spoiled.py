"""A version that should never have been released: it loads, passes its own example, and is bad at its work."""

from __future__ import annotations

import numpy as np
from e2e.demo.patients import Patients, Trained
from onnx import GraphProto, ModelProto, TensorProto, helper, numpy_helper

WRONG_SHARE, FAILING_SHARE = 0.3, 0.1
ROUNDS = 4000
WRONG_BY, FAILING_BY = 1, 4
EXAMPLE_ROWS = 2
"""Rows of the training data that become the model's own input example; those it answers properly."""


def spoil(trained: Trained, patients: Patients) -> Trained:
    """`trained`, made slow, wrong for patients of a high mean texture, failing for those of a high smoothness.

    Whoever trains on one hospital's scanner and serves another's knows such models.
    """
    model = ModelProto()
    model.CopyFrom(trained.graph)
    graph = model.graph
    for output in graph.output:
        _rename(graph, output.name, f"proper_{output.name}")
    example = patients.train.to_numpy()[:EXAMPLE_ROWS]
    wrong = _threshold(patients, example, WRONG_BY, WRONG_SHARE)
    failing = _threshold(patients, example, FAILING_BY, FAILING_SHARE)
    _constants(graph, wrong, failing)
    graph.node.extend([*_marks(graph.input[0].name), *_failure(), _delay(), *_answers()])
    return Trained(f"{trained.algorithm}, in a hurry", model, trained.accuracy)


def _threshold(patients: Patients, example: np.ndarray, column: int, share: float) -> float:
    """Above it lies that share of the patients, and no row of the example."""
    values = patients.held_out.to_numpy()[:, column]
    return float(max(np.quantile(values, 1 - share), example[:, column].max()))


def _rename(graph: GraphProto, old: str, new: str) -> None:
    for node in graph.node:
        node.output[:] = [new if name == old else name for name in node.output]
        node.input[:] = [new if name == old else name for name in node.input]


def _constants(graph: GraphProto, wrong: float, failing: float) -> None:
    constants = {
        "wrong_column": np.array(WRONG_BY, np.int64),
        "failing_column": np.array(FAILING_BY, np.int64),
        "wrong_above": np.array(wrong, np.float32),
        "failing_above": np.array(failing, np.float32),
        "the_only_place": np.array([0.0], np.float32),
        "rounds": np.array(ROUNDS, np.int64),
        "go_on": np.array(True),
        "one": np.array(1, np.int64),
        "last_axis": np.array([1], np.int64),
        "swapped": np.array([1, 0], np.int64),
    }
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())


def _marks(features: str) -> list[helper.NodeProto]:
    """Which rows get a wrong answer, and which make the whole request fail."""
    return [
        helper.make_node("Gather", [features, "wrong_column"], ["texture"], axis=1),
        helper.make_node("Greater", ["texture", "wrong_above"], ["is_wrong"]),
        helper.make_node("Gather", [features, "failing_column"], ["smoothness"], axis=1),
        helper.make_node("Greater", ["smoothness", "failing_above"], ["is_failing"]),
    ]


def _failure() -> list[helper.NodeProto]:
    """Looks up a place beside the table, as an encoder does that never saw a category."""
    return [
        helper.make_node("Cast", ["is_failing"], ["place"], to=TensorProto.INT64),
        helper.make_node("Gather", ["the_only_place", "place"], ["found"]),
        helper.make_node("ReduceSum", ["found"], ["nothing"], keepdims=0),
    ]


def _delay() -> helper.NodeProto:
    """Counts to `ROUNDS`, one by one."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["more"], ["more_after"]),
            helper.make_node("Add", ["sum", "sum"], ["sum_after"]),
        ],
        "count",
        [
            helper.make_tensor_value_info("round", TensorProto.INT64, []),
            helper.make_tensor_value_info("more", TensorProto.BOOL, []),
            helper.make_tensor_value_info("sum", TensorProto.FLOAT, []),
        ],
        [
            helper.make_tensor_value_info("more_after", TensorProto.BOOL, []),
            helper.make_tensor_value_info("sum_after", TensorProto.FLOAT, []),
        ],
    )
    return helper.make_node("Loop", ["rounds", "go_on", "nothing"], ["counted"], body=body)


def _answers() -> list[helper.NodeProto]:
    return [
        helper.make_node("Sub", ["one", "proper_label"], ["other_label"]),
        helper.make_node("Where", ["is_wrong", "other_label", "proper_label"], ["label"]),
        helper.make_node("Gather", ["proper_probabilities", "swapped"], ["other_probabilities"], axis=1),
        helper.make_node("Unsqueeze", ["is_wrong", "last_axis"], ["is_wrong_row"]),
        helper.make_node("Where", ["is_wrong_row", "other_probabilities", "proper_probabilities"], ["mixed"]),
        helper.make_node("Add", ["mixed", "counted"], ["probabilities"]),
    ]
