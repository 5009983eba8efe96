"""Whatever numbers the kernel is made of, it refuses them or stays within them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

kernel = pytest.importorskip("moorage_runtime.engines.onnx.trees.kernel", reason="the runtime is not compiled")

SUMS, POSITIVE, CLASSES = 0, 1, 4


def arguments(**others: Any) -> dict[str, Any]:
    """x[0] <= 0.5 ? 1 : 2."""
    told = {
        "features": 2,
        "transform": SUMS,
        "columns": [[0, 0], [0, 0]],
        "node_columns": [1, 0, 0],
        "node_thresholds": [0.5, np.inf, np.inf],
        "node_trues": [1, 1, 2],
        "trees": [[0, 1, 0, 1, 3]],
        "planes": [[0, 0]],
        "weights": [0, 1, 2],
        "bases": [0],
        "labels": [],
        **others,
    }
    types = {
        "columns": np.int32,
        "node_columns": np.int32,
        "node_thresholds": np.float32,
        "node_trues": np.int32,
        "trees": np.int32,
        "planes": np.int64,
        "weights": np.float32,
        "bases": np.float32,
        "labels": np.int64,
    }
    return {name: np.array(value, types[name]) if name in types else value for name, value in told.items()}


def walked(forest: Any, rows: Any, width: int = 1) -> Any:
    scores, labels = np.empty((len(rows), width), np.float32), np.empty(len(rows), np.int64)
    assert forest.run(rows, scores, labels)
    return scores


def test_it_walks() -> None:
    rows = np.array([[0.5, 9], [0.6, 9], [np.nan, 9]], np.float32)
    assert walked(kernel.Forest(**arguments()), rows).ravel().tolist() == [1, 2, 2]
    missing_is_true = kernel.Forest(**arguments(columns=[[0, 0], [0, 1]]))
    assert walked(missing_is_true, rows).ravel().tolist() == [1, 2, 1]


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"features": 0}, "too many columns, or none"),
        ({"columns": []}, "too many columns, or none"),
        ({"columns": [[0, 0]] * 2049}, "too many columns"),
        ({"columns": [[0, 0], [2, 0]]}, "a column's feature lies outside"),
        ({"columns": [[0, 0], [-1, 0]]}, "a column's feature lies outside"),
        ({"transform": 9}, "no such transform"),
        ({"transform": -1}, "no such transform"),
        ({"bases": []}, "too many targets, or too few"),
        ({"bases": [0] * 129}, "too many targets"),
        ({"bases": [0, 0], "transform": POSITIVE, "labels": [0, 1]}, "too many targets, or too few"),
        ({"transform": CLASSES, "bases": [0, 0, 0], "labels": [0, 1]}, "a label for each class is needed"),
        ({"transform": POSITIVE}, "a label for each class is needed"),
        ({"node_thresholds": [0.5]}, "a node lacks a part"),
        ({"node_trues": [1, 1]}, "a node lacks a part"),
        ({"node_columns": [2, 0, 0]}, "a node's column lies outside"),
        ({"node_columns": [-1, 0, 0]}, "a node's column lies outside"),
        ({"node_trues": [2, 1, 2]}, "a node's children lie outside"),
        ({"node_trues": [-1, 1, 2]}, "a node's children lie outside"),
        ({"node_trues": [1, 1, 3]}, "a node's children lie outside"),
        ({"node_thresholds": [0.5, -1, np.inf]}, "a leaf leads to its neighbour"),
        ({"node_thresholds": [0.5, np.nan, np.inf]}, "a leaf leads to its neighbour"),
        ({"trees": [[0, 1, 0, 1, 4]]}, "a tree's nodes lie outside"),
        ({"trees": [[1, 1, 0, 1, 3]]}, "a tree's nodes lie outside"),
        ({"trees": [[-1, 1, 0, 1, 3]]}, "a tree's nodes lie outside"),
        ({"trees": [[0, 1, 0, 1, 2**31 - 1]]}, "a tree's nodes lie outside"),
        ({"trees": [[0, -1, 0, 1, 3]]}, "a tree's nodes lie outside"),
        ({"trees": [[0, 1, 1, 1, 3]]}, "a tree's weights lie outside"),
        ({"trees": [[0, 1, 0, 2, 3]]}, "a tree's weights lie outside"),
        ({"trees": [[0, 1, -1, 1, 3]]}, "a tree's weights lie outside"),
        ({"planes": [[1, 0]]}, "a weight's target lies outside"),
        ({"planes": [[-1, 0]]}, "a weight's target lies outside"),
        ({"planes": [[0, 1]]}, "a weight lies outside"),
        ({"planes": [[0, -1]]}, "a weight lies outside"),
        ({"planes": [[0, 2**62]]}, "a weight lies outside"),
    ],
)
def test_a_forest_that_leads_outside_is_refused(others: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kernel.Forest(**arguments(**others))


def test_what_is_no_list_is_refused() -> None:
    for name in ("columns", "weights", "labels"):
        with pytest.raises(TypeError, match="bytes-like"):
            kernel.Forest(**{**arguments(), name: 7})
    with pytest.raises(TypeError, match="required argument"):
        kernel.Forest(2, 0)
    with pytest.raises(ValueError, match="contiguous"):
        kernel.Forest(**{**arguments(), "weights": np.zeros(6, np.float32)[::2]})


def test_outputs_of_another_size_are_refused_and_rows_that_do_not_fit_left() -> None:
    forest = kernel.Forest(**arguments())
    rows, scores, labels = np.zeros((3, 2), np.float32), np.zeros((3, 1), np.float32), np.zeros(3, np.int64)
    for wrong in ((rows, scores[:2], labels), (rows, scores, labels[:2]), (rows, np.zeros((3, 2), np.float32), labels)):
        with pytest.raises(ValueError, match="do not fit together"):
            forest.run(*wrong)
    with pytest.raises(TypeError, match="run takes"):
        forest.run(rows, scores)
    scores.setflags(write=False)
    with pytest.raises((ValueError, BufferError), match=r"read-only|not writable"):
        forest.run(rows, scores, labels)
    for other in (rows.astype(np.float64), rows[:, :1], rows[0], rows.T, rows.astype(">f4"), np.array(["a"]), b"", 7):
        assert forest.run(other, np.zeros((3, 1), np.float32), labels) is False


@settings(max_examples=500)
@given(st.data())
def test_no_numbers_lead_it_astray(data: st.DataObject) -> None:
    """Small numbers around the bounds: what is not refused is walked, by rows alone and abreast."""
    near = st.integers(-1, 4)
    nodes = data.draw(st.integers(0, 4))
    rows = data.draw(st.sampled_from((1, 3, 17)))

    def numbers(count: int) -> Any:
        return data.draw(st.lists(near, min_size=count, max_size=count))

    def lists(width: int, count: int) -> Any:
        return [numbers(width) for _ in range(count)]

    told = arguments(
        features=data.draw(st.integers(1, 3)),
        transform=data.draw(st.integers(0, 6)),
        columns=lists(2, data.draw(st.integers(1, 3))),
        node_columns=numbers(nodes),
        node_thresholds=data.draw(st.lists(st.sampled_from((-1, 0, np.inf, np.nan)), min_size=nodes, max_size=nodes)),
        node_trues=numbers(nodes),
        trees=lists(5, 1),
        planes=lists(2, 2),
        weights=range(data.draw(st.integers(0, 5))),
        bases=range(data.draw(st.integers(1, 3))),
        labels=range(data.draw(st.integers(0, 3))),
    )
    try:
        forest = kernel.Forest(**told)
    except ValueError:
        return
    width = 2 if told["transform"] in (1, 2, 3) else len(told["bases"])
    walked(forest, np.full((rows, told["features"]), np.nan, np.float32), width)
