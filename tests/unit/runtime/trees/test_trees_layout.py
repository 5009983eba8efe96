"""Whatever the lists of a file say, a forest is laid out within its bounds, or left to ONNX Runtime by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moorage_runtime.engines.onnx.trees import Unfit, ending, layout, probe
from moorage_runtime.engines.onnx.trees.attributes import Attributes
from moorage_runtime.engines.onnx.trees.graph import CLASSIFIER, REGRESSOR

kernel = pytest.importorskip("moorage_runtime.engines.onnx.trees.kernel", reason="the runtime is not compiled")

FEATURES = 2
MODES = (b"LEAF", b"LEAF", b"BRANCH_LEQ", b"BRANCH_LT", b"BRANCH_GT")
HUGE = st.sampled_from((-(2**63), -1, 2**31, 2**62, 2**63 - 1))
IDS = st.one_of(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4), HUGE)
NUMBERS = st.sampled_from((-1.0, 0.0, 0.5, np.inf, np.nan))


def integers(values: list[int]) -> Any:
    return np.array(values, np.int64)


@st.composite
def told(draw: Any) -> tuple[str, Attributes]:
    """Lists of small numbers, now and then one that is huge, and now and then of different lengths."""
    nodes, weights = draw(st.integers(0, 7)), draw(st.integers(0, 5))

    def some(count: int, values: Any = IDS) -> list[Any]:
        length = draw(st.sampled_from((count, count, count, count, count, count, count + 1)))
        return list(draw(st.lists(values, min_size=length, max_size=length)))

    operator = draw(st.sampled_from((CLASSIFIER, REGRESSOR)))
    return operator, Attributes(
        tree_ids=integers(sorted(some(nodes, st.sampled_from((0, 0, 1))))),
        node_ids=integers(draw(st.sampled_from((list(range(nodes)), some(nodes))))),
        feature_ids=integers(some(nodes)),
        values=np.array(some(nodes, NUMBERS), np.float32),
        modes=np.array(some(nodes, st.sampled_from(MODES)), "S11"),
        true_ids=integers(some(nodes)),
        false_ids=integers(some(nodes)),
        missing_tracks_true=integers(draw(st.sampled_from(([], some(nodes))))),
        weight_trees=integers(some(weights, st.sampled_from((0, 0, 1)))),
        weight_nodes=integers(some(weights)),
        weight_targets=integers(some(weights, st.sampled_from((0, 0, 0, 1, -1, 2**62)))),
        weights=np.array(some(weights, NUMBERS), np.float32),
        base_values=np.array(some(draw(st.integers(0, 2)), NUMBERS), np.float32),
        post_transform=draw(st.sampled_from(("NONE", "LOGISTIC", "SOFTMAX", "PROBIT"))),
        aggregate=draw(st.sampled_from(("SUM", "MAX"))),
        labels=draw(st.sampled_from((integers([]), integers([7, 9]), integers([1, 2, 3]), ("a", "b")))),
        targets=draw(st.sampled_from((0, 1, 2, -1, 2**62))),
    )


@settings(max_examples=1000)
@given(told())
def test_any_lists_are_laid_out_or_left(case: tuple[str, Attributes]) -> None:
    operator, given_lists = case
    try:
        last = ending.choose(operator, given_lists)
        laid = layout.lay_out(given_lists, FEATURES, last)
    except Unfit:
        return
    lists = {name: getattr(laid, name) for name in layout.Layout.__struct_fields__}
    forest = kernel.Forest(FEATURES, last.transform, **lists, bases=last.bases, labels=last.labels)
    rows = probe.rows(laid, FEATURES)
    scores, labels = np.empty((len(rows), last.scores), np.float32), np.empty(len(rows), np.int64)
    assert forest.run(rows, scores, labels)
    assert np.isfinite(scores).all()


def test_the_order_of_a_tree_is_by_level_and_of_trees_that_of_the_file() -> None:
    """Node ids need no order; brothers lie side by side."""
    lists = Attributes(
        tree_ids=integers([7, 7, 7, 3]),
        node_ids=integers([2, 0, 1, 0]),
        feature_ids=integers([1, 0, 0, 0]),
        values=np.array([0.5, 0, 0, 0], np.float32),
        modes=np.array([b"BRANCH_LEQ", b"LEAF", b"LEAF", b"LEAF"]),
        true_ids=integers([1, 0, 0, 0]),
        false_ids=integers([0, 0, 0, 0]),
        missing_tracks_true=integers([]),
        weight_trees=integers([3, 7, 7]),
        weight_nodes=integers([0, 0, 1]),
        weight_targets=integers([0, 0, 0]),
        weights=np.array([100, 20, 10], np.float32),
        base_values=np.array([], np.float32),
        post_transform="NONE",
        aggregate="SUM",
        labels=integers([]),
        targets=1,
    )
    laid = layout.lay_out(lists, FEATURES, ending.choose(REGRESSOR, lists))
    assert laid.node_trues.tolist() == [1, 1, 2, 3]
    assert laid.node_columns.tolist() == [1, 0, 0, 0]
    assert laid.columns.tolist() == [[0, 0], [1, 0]]
    assert laid.weights.tolist() == [0, 10, 20, 100]
    assert laid.trees.tolist() == [[0, 1, 0, 1, 3], [3, 0, 1, 1, 1]]
    assert laid.planes.tolist() == [[0, 0], [0, 3]]
    assert laid.steps == 3
