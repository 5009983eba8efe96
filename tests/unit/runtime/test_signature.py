"""From an MLmodel's signature, through the manifest, to the features that a user names."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.runtime import models

from moorage_runtime import examples
from moorage_runtime.artifact import KINDS, Column, Example, Signature
from moorage_runtime.signature import Feature, layout
from moorage_runtime.storage import classlabels, signatures
from moorage_runtime.tensors import DATATYPES, TensorSpec


def described(inputs: Any, outputs: Any = None) -> dict[str, Any]:
    found = {"inputs": json.dumps(inputs), "outputs": json.dumps(outputs) if outputs is not None else None}
    return {"signature": found}


COLUMNS = [
    ({"type": "double", "name": "a b", "required": True}, Column("a b", "double")),
    ({"type": "string", "name": "s", "required": False}, Column("s", "string", required=False)),
    ({"type": "long"}, Column("", "long")),
    ({"type": "long", "name": 7}, Column("7", "long")),
    ({"type": "array", "items": {"type": "double"}, "name": "v"}, Column("v", "double", shape=(-1,))),
    (
        {"type": "array", "items": {"type": "array", "items": {"type": "long"}}, "name": "m"},
        Column("m", "long", shape=(-1, -1)),
    ),
    ({"type": "object", "properties": {}, "name": "o"}, Column("o", "")),
    ({"type": "any", "name": "x"}, Column("x", "")),
    (
        {"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 28, 28]}, "name": "image"},
        Column("image", "float", shape=(28, 28)),
    ),
    ({"type": "tensor", "tensor-spec": {"dtype": "uint8", "shape": [-1]}}, Column("", "long")),
    ({"type": "tensor", "tensor-spec": {"dtype": "object", "shape": [-1]}}, Column("", "string")),
]


@pytest.mark.parametrize(("spec", "column"), COLUMNS)
def test_every_kind_of_column_is_read(spec: dict[str, Any], column: Column) -> None:
    assert signatures.read(described([spec], [spec])) == Signature((column,), (column,))


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"signature": None},
        {"signature": {"inputs": [1]}},
        {"signature": {"inputs": "{"}},
        {"signature": {"inputs": "[1]"}},
        {"signature": {"inputs": "[" * 5000}},
        described([{"type": "long", "name": "a"}, {"type": "long", "name": "a"}]),
        described([{"type": "long", "name": "a" * 513}]),
        described([{"type": "long"}] * (signatures.COLUMNS + 1)),
        described([{"type": "tensor", "tensor-spec": {"dtype": "int8", "shape": [1] * 9}}]),
        described([{"type": "tensor", "tensor-spec": {"dtype": "int8", "shape": ["x"]}}]),
    ],
)
def test_what_is_no_usable_signature_is_none(found: dict[str, Any]) -> None:
    assert signatures.read(found) is None


def test_what_mlflow_writes_is_read() -> None:
    mlflow_models: Any = importlib.import_module("mlflow.models")
    pandas: Any = importlib.import_module("pandas")
    frame = pandas.DataFrame(
        {
            "x y": [1.0, 2.0],
            "n": [1, 2],
            "ok": [True, False],
            "word": ["a", None],
            "at": pandas.to_datetime(["2020-01-01", "2020-01-02"]),
        }
    )
    written = mlflow_models.infer_signature(frame, np.zeros((2, 3), np.float32)).to_dict()
    assert signatures.read({"signature": written}) == Signature(
        (
            Column("x y", "double"),
            Column("n", "long"),
            Column("ok", "boolean"),
            Column("word", "string", required=False),
            Column("at", "datetime"),
        ),
        (Column("", "float", shape=(3,)),),
    )


TABLE = {"X": TensorSpec("X", "FP32", (-1, 2))}
PAIR = {"age": TensorSpec("age", "INT64", (-1, 1)), "word": TensorSpec("word", "BYTES", (-1,))}


def names(signature: Signature | None, specs: dict[str, TensorSpec], columns: list[str] | None = None) -> list[str]:
    return [feature.name for feature in layout(signature, specs, columns).features]


def test_the_columns_of_a_table_keep_their_order() -> None:
    declared = Signature((Column("b", "double"), Column("a", "long")))
    found = layout(declared, TABLE)
    assert found.table
    assert found.features == (Feature("b", "double", "FP32"), Feature("a", "long", "FP32"))


def test_without_a_signature_the_example_names_the_columns_else_their_places_do() -> None:
    assert names(None, TABLE, ["p", "q"]) == ["p", "q"]
    assert names(None, TABLE) == ["f0", "f1"]
    assert names(None, TABLE, ["p", "q", "r"]) == ["f0", "f1"]
    assert names(None, TABLE, ["p", "p"]) == ["f0", "f1"]
    assert names(Signature((Column("", "double"), Column("", "double"))), TABLE) == ["f0", "f1"]


def test_a_table_of_open_width_is_as_wide_as_declared() -> None:
    wide = {"X": TensorSpec("X", "FP64", (-1, -1))}
    assert names(Signature(tuple(Column(name, "double") for name in "abc")), wide) == ["a", "b", "c"]
    assert layout(None, wide).features == (Feature("X", "double", "FP64", shape=(-1,)),)


def test_a_very_wide_table_without_names_is_one_list() -> None:
    wide = {"X": TensorSpec("X", "FP32", (-1, 1001))}
    assert layout(None, wide).features == (Feature("X", "float", "FP32", shape=(1001,)),)


def test_a_declared_width_that_is_not_the_models_is_not_used() -> None:
    assert names(Signature(tuple(Column(name, "double") for name in "abc")), TABLE) == ["f0", "f1"]


def test_several_inputs_are_a_feature_each() -> None:
    declared = Signature((Column("word", "string", required=False), Column("age", "long", required=False)))
    found = layout(declared, PAIR)
    assert not found.table
    # No tensor of whole numbers has a value for what is missing.
    assert found.features == (Feature("age", "long", "INT64"), Feature("word", "string", "BYTES", required=False))
    assert names(Signature((Column("other", "long"),)), PAIR) == ["age", "word"]


def test_one_column_names_the_one_input() -> None:
    specs = {"X": TensorSpec("X", "FP32", (-1, 1))}
    assert names(Signature((Column("price", "double"),)), specs) == ["price"]


def test_the_tensor_has_the_last_word_on_the_kind() -> None:
    declared = Signature((Column("age", "double"), Column("word", "long")))
    assert [feature.kind for feature in layout(declared, PAIR).features] == ["long", "string"]
    moment = {"at": TensorSpec("at", "INT64", (-1,))}
    assert layout(Signature((Column("at", "datetime"),)), moment).features[0].kind == "datetime"


def test_an_image_is_one_feature_with_the_shape_of_a_row() -> None:
    specs = {"image": TensorSpec("image", "FP32", (-1, 3, 4, 4))}
    assert layout(None, specs).features == (Feature("image", "float", "FP32", shape=(3, 4, 4)),)


@pytest.mark.parametrize(
    ("kind", "datatype", "bounds"),
    [
        ("integer", "INT64", (-(2**31), 2**31 - 1)),
        ("long", "INT8", (-128, 127)),
        ("long", "UINT64", (0, 2**64 - 1)),
        ("long", "FP32", (-(2**63), 2**63 - 1)),
        ("integer", "FP16", (-65519, 65519)),
        ("double", "FP64", None),
    ],
)
def test_bounds_are_those_of_kind_and_tensor_together(kind: str, datatype: str, bounds: tuple[int, int] | None) -> None:
    assert Feature("x", kind, datatype).bounds == bounds


@pytest.mark.parametrize(("datatype", "dtype"), [("FP16", np.float16), ("FP32", np.float32)])
def test_overflow_is_the_least_number_that_becomes_infinite(datatype: str, dtype: Any) -> None:
    limit = Feature("x", "double", datatype).overflow
    assert limit is not None
    with np.errstate(over="ignore"):
        assert np.isinf(dtype(limit))
    assert np.isfinite(dtype(np.nextafter(limit, 0)))


@given(
    st.lists(st.tuples(st.text(max_size=3), st.sampled_from([*KINDS, ""]), st.booleans()), max_size=4),
    st.lists(st.tuples(st.sampled_from(sorted(DATATYPES)), st.lists(st.integers(-1, 3), max_size=3)), max_size=3),
)
def test_any_signature_over_any_model_gives_features_with_names_of_their_own(
    columns: list[tuple[str, str, bool]], tensors: list[tuple[str, list[int]]]
) -> None:
    declared = Signature(tuple(Column(name, kind, required) for name, kind, required in columns))
    specs = {f"t{at}": TensorSpec(f"t{at}", kind, tuple(shape)) for at, (kind, shape) in enumerate(tensors)}
    found = layout(declared, specs)
    assert len({feature.name for feature in found.features}) == len(found.features)
    if not found.table:
        assert len(found.features) == len(specs)


def test_the_columns_of_an_example_are_found(artifacts: Path) -> None:
    found = examples.columns(artifacts / "boosting", Example(path="input_example.json"))
    assert found == tuple(map(str, models.data().feature_names))
    assert examples.columns(artifacts / "boosting", Example(path="MLmodel")) is None
    assert examples.columns(artifacts / "boosting", Example(path="absent")) is None


def _trained(tmp_path: Path, model: Any, labels: Any, *, zipmap: bool) -> Path:
    from skl2onnx import to_onnx

    bunch = models.data()
    model.fit(bunch.data[:200], labels[:200])
    file = tmp_path / "model.onnx"
    file.write_bytes(to_onnx(model, models.rows(1), options={id(model): {"zipmap": zipmap}}).SerializeToString())
    return file


@pytest.mark.parametrize("zipmap", [True, False])
def test_a_classifiers_names_are_read_from_its_file(tmp_path: Path, zipmap: bool) -> None:
    from sklearn.linear_model import LogisticRegression

    bunch = models.data()
    words = bunch.target_names[bunch.target]
    for labels, wanted in ((bunch.target, (0, 1)), (bunch.target * 7 - 3, (-3, 4)), (words, ("benign", "malignant"))):
        file = _trained(tmp_path, LogisticRegression(solver="liblinear"), labels, zipmap=zipmap)
        assert classlabels.read(file) == wanted


def test_what_names_no_classes_has_none(tmp_path: Path, artifacts: Path) -> None:
    from skl2onnx import to_onnx
    from sklearn.linear_model import LinearRegression

    file = tmp_path / "model.onnx"
    bunch = models.data()
    file.write_bytes(to_onnx(LinearRegression().fit(bunch.data, bunch.target), models.rows(1)).SerializeToString())
    assert classlabels.read(file) is None
    assert classlabels.read(artifacts / "boosting" / "MLmodel") is None
    assert classlabels.read(tmp_path / "absent") is None
    (tmp_path / "empty").touch()
    assert classlabels.read(tmp_path / "empty") is None


@given(st.binary(max_size=200), st.integers(0, 10_000), st.integers(1, 255))
def test_any_bytes_are_class_names_or_none(tail: bytes, place: int, flip: int) -> None:
    import tempfile

    whole = bytearray(_LABELLED)
    whole[place % len(whole)] ^= flip
    for content in (tail, bytes(whole), bytes(whole[: place % len(whole)]) + tail):
        with tempfile.NamedTemporaryFile() as file:
            file.write(content or b"x")
            file.flush()
            found = classlabels.read(Path(file.name))
        assert found is None or all(isinstance(label, (int, str)) for label in found)


def _labelled() -> bytes:
    from onnx import helper

    node = helper.make_node("ZipMap", ["p"], ["z"], domain="ai.onnx.ml", classlabels_strings=["a", "b"])
    content: bytes = helper.make_model(helper.make_graph([node], "g", [], [])).SerializeToString()
    return content


_LABELLED = _labelled()
