"""V1: by row and by column, in and out, and what is wrong with its path."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage_runtime.codecs.features.reader import Reader
from moorage_runtime.codecs.v1 import writer
from moorage_runtime.codecs.v1.reader import V1Reader
from moorage_runtime.codecs.v1.request import Request
from moorage_runtime.errors import RequestFault
from moorage_runtime.signature import layout
from moorage_runtime.tensors import DATATYPES, TensorSpec, dtype_of

X = {"x": TensorSpec("x", "FP32", (-1, 2))}
PAIR = {"text": TensorSpec("text", "BYTES", (-1,)), "number": TensorSpec("number", "FP64", (-1, 1))}
BYTES = {"t": TensorSpec("t", "BYTES", (-1,))}


def reader(specs: dict[str, TensorSpec], elements: int = 1000) -> V1Reader:
    return V1Reader(specs, Reader(layout(None, specs, ["a", "b"] if specs is X else None), elements), elements)


def read(document: Any, specs: dict[str, TensorSpec] = X) -> Request:
    return reader(specs).read(json.dumps(document).encode())


@pytest.mark.parametrize(
    "rows",
    [
        [[1, 2], [3, 4]],
        [{"x": [1, 2]}, {"x": [3, 4]}],
        [{"a": 1, "b": 2}, {"b": 4, "a": 3}],
    ],
)
def test_rows_come_as_lists_as_named_inputs_or_as_named_features(rows: Any) -> None:
    found = read({"signature_name": "serving_default", "instances": rows, "more": 1})
    assert found.by_row
    assert found.inputs["x"].dtype == np.float32
    assert found.inputs["x"].tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("name", ["serving", "predict", 1, ["serving_default"]])
def test_another_signature_is_refused(name: Any) -> None:
    with pytest.raises(RequestFault, match="signature_name") as caught:
        read({"signature_name": name, "instances": [[1, 2]]})
    assert caught.value.status == 400


@pytest.mark.parametrize("name", ["", None])
def test_no_signature_is_the_default(name: Any) -> None:
    assert read({"signature_name": name, "inputs": [[1, 2]]}).inputs["x"].tolist() == [[1, 2]]


@pytest.mark.parametrize("columns", [[[1, 2], [3, 4]], {"x": [[1, 2], [3, 4]]}])
def test_columns_come_alone_or_named(columns: Any) -> None:
    found = read({"inputs": columns})
    assert not found.by_row
    assert found.inputs["x"].tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("number", [4, [4]])
def test_a_row_of_one_element_may_be_that_element(number: Any) -> None:
    found = read({"instances": [{"text": "a", "number": number}, {"number": number, "text": "b"}]}, PAIR)
    assert found.inputs["number"].tolist() == [[4.0], [4.0]]
    assert found.inputs["text"].tolist() == ["a", "b"]


def test_bytes_are_text_or_base64() -> None:
    packed = {"b64": b64encode("é".encode()).decode()}
    assert read({"instances": [packed, "a"]}, BYTES).inputs["t"].tolist() == ["é", "a"]
    assert read({"instances": [{"t": packed}]}, BYTES).inputs["t"].tolist() == ["é"]
    assert read({"inputs": {"t": [packed]}}, BYTES).inputs["t"].tolist() == ["é"]
    assert read({"inputs": [packed]}, BYTES).inputs["t"].tolist() == ["é"]


def test_white_space_changes_nothing() -> None:
    body = b'{"instances"  :' + b" " * 200 + b"[" + b"\n" * 200 + b'{ "x" : [ 1 , 2 ] } ] }'
    assert reader(X).read(body).inputs["x"].tolist() == [[1, 2]]


TAKES = "the model takes 'text', 'number'"
REFUSED: list[tuple[Any, dict[str, TensorSpec], str]] = [
    ([], X, "Expected `object`, got `array`"),
    ({}, X, 'body: needs one of "instances" and "inputs"'),
    ({"instances": [], "inputs": []}, X, 'body: needs only one of "instances" and "inputs"'),
    ({"instances": []}, X, "instances: is an empty list"),
    ({"instances": 3}, X, "instances: Expected `array`, got `int`"),
    ({"instances": [1, 2]}, X, "instances[0]: Expected `array`, got `int`"),
    ({"instances": [[1, "2"]]}, X, "instances[0][1]: Expected `float`, got `str`"),
    ({"instances": [[1, None]]}, X, "instances[0][1]: Expected `float`, got `null`"),
    ({"instances": [[1, True]]}, X, "instances[0][1]: Expected `float`, got `bool`"),
    ({"instances": [[1], [2, 3]]}, X, "instances: the rows differ in length"),
    ({"instances": [[1, 2, 3]]}, X, "instances: [1, 3] is sent, the model takes [-1, 2]"),
    ({"instances": [[1, 1e39]]}, X, "instances[0][1]: Expected `float` < 3.4028235677973366e+38"),
    ({"instances": [{"x": [1, "2"]}]}, X, "instances[0].x[1]: Expected `float`, got `str`"),
    ({"instances": [{"x": [1, 2]}, {"y": [1, 2]}]}, X, "instances[1]: 'x' is missing; the model takes 'x'"),
    ({"instances": [{"x": [1, 2], "y": 1}]}, X, "instances[0]: the model has no input 'y'; it takes 'x'"),
    ({"instances": [{"x": [1, 2]}, 3]}, X, "instances[1]: Expected `object`, got `int`"),
    (
        {"instances": [{"a": 1, "c": 2}]},
        X,
        'instances[0]."b": is missing; instances[0]."c": is no feature of this model',
    ),
    ({"inputs": [[1]]}, X, "inputs: [1, 1] is sent, the model takes [-1, 2]"),
    ({"inputs": {"y": 1}}, X, "inputs: 'x' is missing; the model takes 'x'"),
    ({"inputs": {"x": [[1, 2]], "y": 1}}, X, "inputs: the model has no input 'y'; it takes 'x'"),
    ({"inputs": {"x": [[1, "a"]]}}, X, "inputs.x[0][1]: Expected `float`, got `str`"),
    ({"instances": [["a", 1]]}, PAIR, "instances: the model has several inputs; name each of 'text', 'number'"),
    ({"inputs": [["a", 1]]}, PAIR, "inputs: the model has several inputs; name each of 'text', 'number'"),
    ({"instances": [{"text": "a"}]}, PAIR, f"instances[0]: 'number' is missing; {TAKES}"),
    ({"inputs": {"text": ["a"]}}, PAIR, f"inputs: 'number' is missing; {TAKES}"),
    ({"instances": [{"b64": "%"}]}, BYTES, "instances: base64 of UTF-8 text is needed"),
    ({"instances": [{"b64": "/w=="}]}, BYTES, "instances: base64 of UTF-8 text is needed"),
]


@pytest.mark.parametrize(("document", "specs", "message"), REFUSED)
def test_what_is_wrong_is_said_with_its_path(document: Any, specs: dict[str, TensorSpec], message: str) -> None:
    with pytest.raises(RequestFault) as caught:
        read(document, specs)
    assert (caught.value.status, caught.value.message) == (400, message)


def test_a_number_too_large_for_its_tensor_is_refused() -> None:
    specs = {"x": TensorSpec("x", "UINT64", (-1,))}
    assert read({"instances": [2**64 - 1]}, specs).inputs["x"].tolist() == [2**64 - 1]
    with pytest.raises(RequestFault, match="a number does not fit UINT64"):
        read({"instances": [2**64]}, specs)


def test_more_values_than_allowed_are_413() -> None:
    for document in ({"instances": [[1, 2]] * 3}, {"inputs": [[1, 2]] * 3}, {"instances": [{"a": 1, "b": 2}] * 3}):
        with pytest.raises(RequestFault) as caught:
            reader(X, elements=5).read(json.dumps(document).encode())
        assert caught.value.status == 413


def told(outputs: dict[str, Any], *, by_row: bool) -> Any:
    arrays_by_name = {name: np.array(value) for name, value in outputs.items()}
    return json.loads(writer.encode(arrays_by_name, by_row=by_row))


def test_one_output_answers_its_values() -> None:
    assert told({"y": [1, 2]}, by_row=True) == {"predictions": [1, 2]}
    assert told({"y": [[1.5], [2.5]]}, by_row=True) == {"predictions": [[1.5], [2.5]]}
    assert told({"y": [1, 2]}, by_row=False) == {"outputs": [1, 2]}


def test_several_outputs_answer_objects() -> None:
    outputs = {"label": [1, 0], "probabilities": [[0.25, 0.75], [1.0, 0.0]]}
    assert told(outputs, by_row=True) == {
        "predictions": [{"label": 1, "probabilities": [0.25, 0.75]}, {"label": 0, "probabilities": [1.0, 0.0]}]
    }
    assert told(outputs, by_row=False) == {"outputs": outputs}


def test_bytes_that_are_no_text_come_as_base64() -> None:
    assert told({"y": np.array([b"a", b"\xff", "b"], object)}, by_row=True) == {
        "predictions": ["a", {"b64": "/w=="}, "b"]
    }


def test_outputs_that_differ_in_rows_cannot_be_told_by_row() -> None:
    with pytest.raises(RequestFault, match="differ in rows"):
        told({"y": [1, 2], "z": [1]}, by_row=True)
    assert told({"y": [1, 2], "z": [1]}, by_row=False) == {"outputs": {"y": [1, 2], "z": [1]}}


JSON_TYPES = sorted(DATATYPES - {"BF16"})


@given(st.data(), st.sampled_from(JSON_TYPES), arrays.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=3))
def test_every_tensor_survives_the_way_out_and_in(draw: st.DataObject, datatype: str, shape: tuple[int, ...]) -> None:
    text = (
        st.text()
        if datatype == "BYTES"
        else arrays.from_dtype(dtype_of(datatype), allow_nan=False, allow_infinity=False)
    )
    array = draw.draw(arrays.arrays(dtype_of(datatype), shape, elements=text))
    specs = {"t": TensorSpec("t", datatype, tuple(-1 for _ in shape))}
    sent = json.loads(writer.encode({"t": array}, by_row=True))["predictions"]
    for document in ({"instances": sent}, {"instances": [{"t": row} for row in sent]}, {"inputs": sent}):
        found = read(document, specs).inputs["t"]
        assert found.dtype == array.dtype
        assert found.tolist() == array.tolist()


@given(
    st.sampled_from(["instances", "inputs"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["x", "a", "b", "b64", "t"]), inner),
        max_leaves=12,
    ),
    st.sampled_from([X, PAIR, BYTES]),
)
def test_any_json_is_a_request_or_a_400(key: str, value: Any, specs: dict[str, TensorSpec]) -> None:
    try:
        found = read({key: value}, specs)
    except RequestFault as fault:
        status = fault.status
    else:
        status = 200
        assert set(found.inputs) == set(specs)
    assert status in (200, 400)


@given(st.binary(max_size=100))
def test_any_bytes_are_a_400(body: bytes) -> None:
    with pytest.raises(RequestFault) as caught:
        reader(X).read(body)
    assert caught.value.status == 400


def test_depth_is_bounded() -> None:
    for body in (b'{"instances":' + b"[" * 100_000, b'{"instances":[{"x":' + b"[" * 50_000 + b"]" * 50_000 + b"}]}"):
        with pytest.raises(RequestFault):
            reader(X).read(body)


MANY: dict[str, str] = {
    "plain": json.dumps({"instances": [[1.5, 2]] * 400}),
    "spaced": json.dumps({"instances": [[1.5, 2]] * 400}, indent=1) + "\n",
    "behind": json.dumps({"instances": [[1.5, 2]] * 400}) + "}",
    "more": json.dumps({"instances": [[1.5, 2]] * 400, "signature_name": ""}),
    "ends in the list": json.dumps({"instances": [[1.5, 2]] * 400})[:-1],
    "a short row": json.dumps({"instances": [[1.5, 2]] * 400 + [[1]]}),
    "too large": json.dumps({"instances": [[1.5, 2]] * 400 + [[1, 1e39]]}),
    "at the edge of FP32": json.dumps({"instances": [[1.5, 2]] * 400 + [[1, 3.40282356e38]]}),
    "too many": json.dumps({"instances": [[1, 2]] * 501}),
}


@pytest.mark.parametrize("name", MANY)
def test_many_numbers_are_read_as_few_are(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Any] = []
    for few in (0, 1 << 30):
        monkeypatch.setattr("moorage_runtime.codecs.numbers.FEW_BYTES", few)
        try:
            found.append(reader(X).read(MANY[name].encode()).inputs["x"].tolist())
        except RequestFault as fault:
            found.append((fault.status, fault.message))
    assert found[0] == found[1]
