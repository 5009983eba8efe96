"""Faults as ONNX: nodes grafted onto a good classifier, so that a real engine meets them in a real model.

A row is hit by its own content, the same on every machine: `hash(row) = frac(7.31 x0 + 11.17 x1)` below a share. Rows
of the model's own input example are spared, as they are by the bugs that pass every test before a release.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

WEIGHTS = (7.31, 11.17)
CLOSE = 1e-3
LOWEST = -(2**63)
ROUND_ROWS = 256
"""Of the square matrix that a slow model multiplies over and over: about half a millisecond a round."""
FOR_EVER = 2**63 - 1
DRAWN_BELOW = 2**30
"""So many shapes that hardly one is drawn twice."""
_node = helper.make_node


@dataclass
class Grafted:
    """A classifier `X` -> `label`, `probabilities` under work: its own answers are `good_label`, `good_probabilities`.

    `hit`: a name for [rows, 1] booleans, which rows the fault is for. Every graft ends in nodes that give `label` and
    `probabilities`.
    """

    model: ModelProto
    spared: Any
    share: float
    nodes: list[NodeProto] = field(default_factory=list)

    def constant(self, name: str, value: Any) -> str:
        """A constant of the graph."""
        self.model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def add(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """One more node."""
        self.nodes.append(_node(operator, list(inputs), [output], **attributes))
        return output


def begin(good: bytes, spared: Any, share: float) -> Grafted:
    """A copy of the classifier whose fault hits that share of the rows, and none of `spared`."""
    model = onnx.load_from_string(good)
    for output in model.graph.output:
        _rename(model, output.name, f"good_{output.name}")
    graft = Grafted(model, spared, share)
    weights = np.zeros((spared.shape[1], 1), np.float32)
    weights[: len(WEIGHTS), 0] = WEIGHTS
    graft.add("MatMul", [model.graph.input[0].name, graft.constant("hash_weights", weights)], "sum")
    graft.add("Floor", ["sum"], "sum_floor")
    graft.add("Sub", ["sum", "sum_floor"], "hash")
    graft.add("Less", ["hash", graft.constant("share", np.float32(share))], "below")
    graft.constant("known_sums", sums(spared).reshape(1, -1))
    graft.add("Sub", ["sum", "known_sums"], "apart")
    graft.add("Abs", ["apart"], "distance")
    graft.add("ReduceMin", ["distance", graft.constant("axis_1", np.array([1], np.int64))], "nearest", keepdims=1)
    graft.add("Greater", ["nearest", graft.constant("close", np.float32(CLOSE))], "unknown")
    graft.add("And", ["below", "unknown"], "hit")
    return graft


def end(graft: Grafted) -> bytes:
    """The finished file."""
    graft.model.graph.node.extend(graft.nodes)
    onnx.checker.check_model(graft.model)
    return bytes(graft.model.SerializeToString())


def sums(rows: Any) -> Any:
    """What the hash is taken of, as the graph computes it: FP32 [rows]."""
    single = rows.astype(np.float32)
    return single[:, 0] * np.float32(WEIGHTS[0]) + single[:, 1] * np.float32(WEIGHTS[1])


def hit(rows: Any, spared: Any, share: float) -> Any:
    """Which rows the fault is for, as the graph decides it (but for rounding): booleans [rows]."""
    told = sums(rows)
    known = np.min(np.abs(told[:, None] - sums(spared)[None, :]), axis=1) <= CLOSE
    return (told - np.floor(told) < share) & ~known


def fails(graft: Grafted) -> None:
    """Divides whole numbers by zero, which ONNX Runtime answers with an error."""
    graft.add("Not", ["hit"], "miss")
    graft.add("Cast", ["miss"], "divisor", to=TensorProto.INT64)
    _divided(graft, graft.constant("dividend", np.array([[1]], np.int64)), "divisor")


def crashes(graft: Grafted) -> None:
    """Divides the lowest whole number by -1, which no processor can: the process ends by SIGFPE."""
    graft.constant("lowest", np.array(LOWEST, np.int64))
    graft.constant("minus_one", np.array(-1, np.int64))
    graft.constant("plain_one", np.array(1, np.int64))
    graft.add("Where", ["hit", "lowest", "plain_one"], "dividend")
    graft.add("Where", ["hit", "minus_one", "plain_one"], "divisor")
    _divided(graft, "dividend", "divisor")


def crashes_at_load(graft: Grafted) -> None:
    """The same division with constants: ONNX Runtime does it while it optimises the graph."""
    graft.constant("lowest", np.array([[LOWEST]], np.int64))
    graft.constant("minus_one", np.array([[-1]], np.int64))
    _divided(graft, "lowest", "minus_one")


def is_slow(graft: Grafted, rounds: int) -> None:
    """Multiplies a matrix so often before each answer."""
    _rounds(graft, graft.constant("rounds", np.array(rounds, np.int64)))
    _unchanged(graft, "spent")


def hangs(graft: Grafted) -> None:
    """Multiplies for ever once a row is hit; stops only when it is told to."""
    graft.constant("no_round", np.array(0, np.int64))
    graft.constant("for_ever", np.array(FOR_EVER, np.int64))
    graft.add("Where", [_any_hit(graft), "for_ever", "no_round"], "rounds")
    _rounds(graft, "rounds")
    _unchanged(graft, "spent")


def gives_no_number(graft: Grafted) -> None:
    """Divides zero by zero."""
    graft.add("Cast", ["hit"], "hit_number", to=TensorProto.FLOAT)
    graft.add("Sub", [graft.constant("one", np.float32(1)), "hit_number"], "one_or_zero")
    graft.add("Div", ["one_or_zero", "one_or_zero"], "one_or_nan")
    graft.add("Mul", ["good_probabilities", "one_or_nan"], "probabilities")
    graft.add("Identity", ["good_label"], "label")


def has_another_shape(graft: Grafted) -> None:
    """Answers with a column more than it declares."""
    graft.add("Cast", [_any_hit(graft)], "surplus", to=TensorProto.INT64)
    graft.add("Unsqueeze", ["surplus", graft.constant("axis_0", np.array([0], np.int64))], "surplus_end")
    graft.add(
        "Slice",
        ["good_probabilities", graft.constant("start", np.array([0], np.int64)), "surplus_end", "axis_1"],
        "surplus_columns",
    )
    graft.add("Concat", ["good_probabilities", "surplus_columns"], "probabilities", axis=1)
    graft.add("Identity", ["good_label"], "label")


def swaps_classes(graft: Grafted) -> None:
    """Gives the classes each other's probabilities, and labels to match."""
    graft.constant("swapped", np.array([1, 0], np.int64))
    graft.add("Gather", ["good_probabilities", "swapped"], "other_probabilities", axis=1)
    graft.add("Where", ["hit", "other_probabilities", "good_probabilities"], "probabilities")
    graft.add("Sub", [graft.constant("one_label", np.array([1], np.int64)), "good_label"], "other_label")
    graft.add("Squeeze", ["hit", "axis_1"], "hit_flat")
    graft.add("Where", ["hit_flat", "other_label", "good_label"], "label")


def devours_memory(graft: Grafted, numbers: int) -> None:
    """Fills a tensor of so many FP32 numbers."""
    graft.constant("little", np.array([1], np.int64))
    graft.constant("much", np.array([numbers], np.int64))
    graft.add("Where", [_any_hit(graft), "much", "little"], "length")
    filling = helper.make_tensor("filling", TensorProto.FLOAT, [1], [0.0])
    graft.add("ConstantOfShape", ["length"], "heap", value=filling)
    graft.add("ReduceMax", ["heap"], "spent", keepdims=0)
    _unchanged(graft, "spent")


def leaks_memory(graft: Grafted, tensors: int) -> None:
    """Computes so many tensors beside one whose shape no request had before. ONNX Runtime notes for every shape how it
    laid the tensors out, in case that the shape comes again, and forgets none: some 50 bytes a tensor and request.
    """
    graft.add("RandomUniform", [], "drawn", shape=[1], high=float(DRAWN_BELOW))
    graft.add("Cast", ["drawn"], "drawn_length", to=TensorProto.INT64)
    graft.add("Concat", [graft.constant("no_rows", np.array([0], np.int64)), "drawn_length"], "new_shape", axis=0)
    graft.add("ConstantOfShape", ["new_shape"], "new", value=helper.make_tensor("any", TensorProto.FLOAT, [1], [0.0]))
    names = ["state", *(f"size_{number}" for number in range(tensors))]
    steps = [_node("Size", [before], [after]) for before, after in pairwise(names)]
    steps += [_node("Identity", ["more"], ["more_after"]), _node("Identity", ["state"], ["state_after"])]
    once = graft.constant("once", np.array(1, np.int64))
    _looped(graft, once, "new", steps, (None, None), (names[-1], TensorProto.INT64))
    graft.add("Cast", ["kept"], "kept_number", to=TensorProto.FLOAT)
    graft.add("ReduceMax", ["kept_number"], "kept_most", keepdims=0)
    graft.add("Mul", ["kept_most", graft.constant("nothing", np.float32(0))], "spent")
    _unchanged(graft, "spent")


def wants_a_column_more(good: bytes) -> bytes:
    """The same classifier for tables with one more column, which it does not look at."""
    model = onnx.load_from_string(good)
    name = model.graph.input[0].name
    columns = model.graph.input[0].type.tensor_type.shape.dim[1]
    model.graph.initializer.extend(
        [
            numpy_helper.from_array(np.array([0], np.int64), "first_column"),
            numpy_helper.from_array(np.array([columns.dim_value], np.int64), "behind_the_last"),
            numpy_helper.from_array(np.array([1], np.int64), "of_columns"),
        ]
    )
    columns.dim_value += 1
    for node in model.graph.node:
        node.input[:] = ["known_columns" if each == name else each for each in node.input]
    model.graph.node.insert(
        0, _node("Slice", [name, "first_column", "behind_the_last", "of_columns"], ["known_columns"])
    )
    return bytes(model.SerializeToString())


def carries_ballast(good: bytes, size: int) -> bytes:
    """The same classifier with so many bytes of weights that it does not use."""
    model = onnx.load_from_string(good)
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(size, np.uint8), "ballast"))
    return bytes(model.SerializeToString())


def _rename(model: ModelProto, old: str, new: str) -> None:
    for node in model.graph.node:
        node.output[:] = [new if name == old else name for name in node.output]
        node.input[:] = [new if name == old else name for name in node.input]


def _any_hit(graft: Grafted) -> str:
    graft.add("Cast", ["hit"], "hit_count", to=TensorProto.INT32)
    graft.add("ReduceMax", ["hit_count"], "hit_any_count", keepdims=0)
    return graft.add("Cast", ["hit_any_count"], "hit_any", to=TensorProto.BOOL)


def _divided(graft: Grafted, dividend: str, divisor: str) -> None:
    """Whole numbers divided, and nothing made of the result."""
    graft.add("Div", [dividend, divisor], "quotient")
    graft.add("Mul", ["quotient", graft.constant("nothing", np.array(0, np.int64))], "nil_each")
    graft.add("ReduceMax", ["nil_each"], "nil_whole", keepdims=0)
    graft.add("Cast", ["nil_whole"], "spent", to=TensorProto.FLOAT)
    _unchanged(graft, "spent")


def _unchanged(graft: Grafted, spent: str) -> None:
    """The good answers, which have to wait for the scalar `spent`; it is zero."""
    graft.add("Add", ["good_probabilities", spent], "probabilities")
    graft.add("Identity", ["good_label"], "label")


def _rounds(graft: Grafted, rounds: str) -> None:
    """Multiplies a matrix `rounds` times; leaves zero in `spent`."""
    graft.constant("matrix", np.zeros((ROUND_ROWS, ROUND_ROWS), np.float32))
    steps = [_node("Identity", ["more"], ["more_after"]), _node("MatMul", ["state", "matrix"], ["state_after"])]
    _looped(graft, rounds, "matrix", steps, (ROUND_ROWS, ROUND_ROWS))
    graft.add("ReduceMax", ["looped"], "spent", keepdims=0)


def _looped(
    graft: Grafted,
    rounds: str,
    begin: str,
    steps: list[NodeProto],
    shape: tuple[int | None, ...],
    kept: tuple[str, int] | None = None,
) -> None:
    """Steps from `more`, `state` to `more_after`, `state_after`, again and again; leaves the last state in `looped`.

    `shape`: of the state. `kept`: a scalar that is made on the way and its type; all of them are left in `kept`.
    """
    before = [
        helper.make_tensor_value_info("number", TensorProto.INT64, []),
        helper.make_tensor_value_info("more", TensorProto.BOOL, []),
        helper.make_tensor_value_info("state", TensorProto.FLOAT, shape),
    ]
    after = [
        helper.make_tensor_value_info("more_after", TensorProto.BOOL, []),
        helper.make_tensor_value_info("state_after", TensorProto.FLOAT, shape),
        *([helper.make_tensor_value_info(*kept, [])] if kept else []),
    ]
    go_on = graft.constant("go_on", np.array(True))
    outputs = ["looped", *(["kept"] if kept else [])]
    graft.nodes.append(
        _node("Loop", [rounds, go_on, begin], outputs, body=helper.make_graph(steps, "round", before, after))
    )
