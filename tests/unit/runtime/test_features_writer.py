"""Answers of the plain API: which output is what, and how it is told."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from moorage_runtime.codecs.features.question import Options, Question
from moorage_runtime.codecs.features.roles import Roles, roles
from moorage_runtime.codecs.features.writer import Writer
from moorage_runtime.errors import RequestFault
from moorage_runtime.tensors import TensorSpec


def spec(name: str, datatype: str, *shape: int) -> TensorSpec:
    return TensorSpec(name, datatype, shape)


LABEL, WORD = spec("label", "INT64", -1), spec("output_label", "BYTES", -1)
CHANCES, MAPS = spec("probabilities", "FP32", -1, 2), spec("output_probability", "FP32", -1, -1)
VALUE = spec("variable", "FP32", -1, 1)

ROLES = [
    ([LABEL, CHANCES], None, Roles("label", "probabilities", ())),
    ([WORD, MAPS], ("a", "b"), Roles("output_label", "output_probability", ())),
    ([LABEL, spec("p", "FP32", -1, 2)], (0, 1), Roles("label", "p", ())),
    ([LABEL, spec("p", "FP32", -1, 2)], None, Roles(None, None, ("label", "p"))),
    ([LABEL, spec("p", "FP32", -1, 3)], (0, 1), Roles(None, None, ("label", "p"))),
    ([LABEL, spec("scores", "FP32", -1, 8)], None, Roles(None, None, ("label", "scores"))),
    ([spec("softmax", "FP32", -1, 10)], None, Roles(None, "softmax", ())),
    ([spec("y", "FP32", -1, 10)], None, Roles(None, None, ("y",))),
    ([VALUE], None, Roles(None, None, ("variable",))),
    ([LABEL, CHANCES, VALUE], None, Roles("label", "probabilities", ("variable",))),
    ([LABEL, CHANCES, spec("prob_b", "FP32", -1, 2)], None, Roles(None, None, ("label", "probabilities", "prob_b"))),
    ([spec("probability_map", "FP32", -1, 3, 9, 9)], None, Roles(None, None, ("probability_map",))),
]


COLUMNS = [WORD, spec("sa", "FP32", -1), spec("sb", "FP32", -1)]
ROLES_OF_COLUMNS: list[tuple[list[TensorSpec], Any, Roles]] = [
    (COLUMNS, ("a", "b"), Roles("output_label", None, (), ("sa", "sb"))),
    (COLUMNS, ("b", "a"), Roles(None, None, ("output_label", "sa", "sb"))),
    (COLUMNS, ("a",), Roles(None, None, ("output_label", "sa", "sb"))),
    (COLUMNS, None, Roles(None, None, ("output_label", "sa", "sb"))),
    ([LABEL, spec("i0", "FP32", -1), spec("i7", "FP32", -1)], (0, 7), Roles("label", None, (), ("i0", "i7"))),
]


def test_columns_of_a_zipmap_are_probabilities() -> None:
    outputs = {"output_label": np.array(["b", "a"], object), "sa": [0.25, 1.0], "sb": [0.75, 0.0]}
    assert ask(COLUMNS, outputs, rows=2, classes=("a", "b"))["predictions"] == [
        {"prediction": "b", "probabilities": {"a": 0.25, "b": 0.75}, "confidence": 0.75},
        {"prediction": "a", "probabilities": {"a": 1.0, "b": 0.0}, "confidence": 1.0},
    ]


MARGINS = [
    (COLUMNS, {"sa"}, Roles(None, None, ("output_label", "sa", "sb"))),
    ([LABEL, CHANCES], {"probabilities"}, Roles("label", None, ("probabilities",))),
    ([LABEL, CHANCES], {"variable"}, Roles("label", "probabilities", ())),
    ([LABEL, CHANCES, VALUE], {"probabilities", "variable"}, Roles("label", None, ("probabilities", "variable"))),
    ([CHANCES], {"probabilities"}, Roles(None, None, ("probabilities",))),
    ([LABEL, VALUE], {"variable"}, Roles(None, None, ("label", "variable"))),
]


@pytest.mark.parametrize(("outputs", "margins", "wanted"), MARGINS)
def test_what_was_seen_to_be_no_probabilities_is_not_sold_as_any(
    outputs: list[TensorSpec], margins: set[str], wanted: Roles
) -> None:
    classes = ("a", "b") if outputs is COLUMNS else None
    assert roles({each.name: each for each in outputs}, classes, margins) == wanted


@pytest.mark.parametrize("chosen", [True, False])
def test_margins_are_told_beside_the_label_by_their_own_name(chosen: bool) -> None:
    writer = Writer({"label": LABEL, "probabilities": CHANCES}, (0, 1), "7", {"probabilities"})
    arrays = {"label": np.array([1, 0]), "probabilities": np.array([[-5.5, 6.5], [0.25, 0.5]])}
    question = Question({}, 2, False, Options(return_probabilities=chosen))
    assert json.loads(writer.write(question, arrays, "r-1", 0.00123)) == TOLD | {
        "predictions": [
            {"prediction": 1, "outputs": {"probabilities": [-5.5, 6.5]}},
            {"prediction": 0, "outputs": {"probabilities": [0.25, 0.5]}},
        ]
    }


@pytest.mark.parametrize(("outputs", "classes", "wanted"), [*ROLES, *ROLES_OF_COLUMNS])
def test_outputs_have_the_roles_that_their_names_and_shapes_say(
    outputs: list[TensorSpec], classes: Any, wanted: Roles
) -> None:
    assert roles({each.name: each for each in outputs}, classes) == wanted


def ask(
    specs: list[TensorSpec],
    outputs: dict[str, Any],
    rows: int | None = None,
    classes: Any = None,
    options: Options | None = None,
) -> dict[str, Any]:
    writer = Writer({each.name: each for each in specs}, classes, "7")
    question = Question({}, rows or 1, rows is None, options or Options())
    arrays = {name: np.array(value) for name, value in outputs.items()}
    told: dict[str, Any] = json.loads(writer.write(question, arrays, "r-1", 0.00123))
    return told


TOLD = {"version": "7", "requestId": "r-1", "latencyMs": 1.23}


def test_a_classifier_tells_its_class_its_probabilities_and_how_sure_it_is() -> None:
    outputs = {"label": [1], "probabilities": [[0.25, 0.75]]}
    assert ask([LABEL, CHANCES], outputs) == TOLD | {
        "prediction": 1,
        "probabilities": [0.25, 0.75],
        "confidence": 0.75,
    }
    named = ask([LABEL, CHANCES], outputs, classes=(0, 1))
    assert named["probabilities"] == {"0": 0.25, "1": 0.75}


def test_text_labels_are_text() -> None:
    outputs = {"output_label": np.array(["b"], object), "output_probability": [[0.25, 0.75]]}
    found = ask([WORD, MAPS], outputs, classes=("a", "b"))
    assert found["prediction"] == "b"
    assert found["probabilities"] == {"a": 0.25, "b": 0.75}


def test_rows_are_answered_one_by_one() -> None:
    outputs = {"label": [1, 0], "probabilities": [[0.25, 0.75], [1.0, 0.0]]}
    assert ask([LABEL, CHANCES], outputs, rows=2, classes=(0, 1)) == TOLD | {
        "predictions": [
            {"prediction": 1, "probabilities": {"0": 0.25, "1": 0.75}, "confidence": 0.75},
            {"prediction": 0, "probabilities": {"0": 1.0, "1": 0.0}, "confidence": 1.0},
        ]
    }


def test_probabilities_can_be_left_out_and_an_id_be_given() -> None:
    outputs = {"label": [1], "probabilities": [[0.25, 0.75]]}
    quiet = Options(return_probabilities=False, request_id="mine")
    assert ask([LABEL, CHANCES], outputs, options=quiet) == TOLD | {
        "prediction": 1,
        "confidence": 0.75,
        "requestId": "mine",
    }


@pytest.mark.parametrize("second", [[0.75], [[0.75]]])
def test_one_column_is_the_second_of_two_classes(second: Any) -> None:
    shape = spec("probability", "FP32", *([-1] * (np.ndim(second) - 1) + [1]))
    found = ask([LABEL, shape], {"label": [1], "probability": second}, classes=("no", "yes"))
    assert found["probabilities"] == {"no": 0.25, "yes": 0.75}
    assert found["confidence"] == 0.75


def test_without_a_label_the_likeliest_class_is_the_prediction() -> None:
    only = spec("softmax", "FP32", -1, 3)
    outputs = {"softmax": [[0.25, 0.5, 0.25]]}
    assert ask([only], outputs)["prediction"] == 1
    assert ask([only], outputs, classes=("a", "b", "c"))["prediction"] == "b"


def test_names_that_do_not_match_the_number_of_classes_are_not_used() -> None:
    found = ask([LABEL, MAPS], {"label": [1], "output_probability": [[0.5, 0.25, 0.25]]}, classes=("a", "b"))
    assert found["probabilities"] == [0.5, 0.25, 0.25]


def test_a_regressor_tells_a_number() -> None:
    assert ask([VALUE], {"variable": [[1.5]]}) == TOLD | {"prediction": 1.5}
    assert ask([VALUE], {"variable": [[1.5], [2.5]]}, rows=2)["predictions"] == [
        {"prediction": 1.5},
        {"prediction": 2.5},
    ]
    assert ask([spec("y", "FP32", -1, 3)], {"y": [[1, 2, 3]]})["prediction"] == [1, 2, 3]
    assert ask([spec("y", "FP32", 3)], {"y": [1, 2, 3]})["prediction"] == [1, 2, 3]
    assert ask([spec("y", "FP32")], {"y": 4.0})["prediction"] == 4.0


def test_several_outputs_are_told_by_name() -> None:
    both = [spec("y", "FP32", -1), spec("z", "BYTES", -1)]
    outputs = {"y": [1.5, 2.5], "z": np.array([b"a", "b"], object)}
    assert ask(both, outputs, rows=2)["predictions"] == [
        {"prediction": {"y": 1.5, "z": "a"}},
        {"prediction": {"y": 2.5, "z": "b"}},
    ]


def test_what_a_classifier_gives_besides_is_told_beside() -> None:
    outputs = {"label": [1], "probabilities": [[0.25, 0.75]], "variable": [[3.0]]}
    assert ask([LABEL, CHANCES, VALUE], outputs)["outputs"] == {"variable": 3.0}


def test_what_is_no_number_is_null() -> None:
    assert ask([VALUE], {"variable": [[np.nan]]})["prediction"] is None
    assert ask([LABEL, MAPS], {"label": [1], "output_probability": np.zeros((1, 0))})["confidence"] is None


def test_outputs_without_a_row_for_each_row_are_refused() -> None:
    with pytest.raises(RequestFault, match="no row for each row"):
        ask([VALUE], {"variable": [[1.5]]}, rows=2)
