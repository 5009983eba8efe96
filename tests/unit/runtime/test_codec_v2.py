"""The V2 JSON codec: what it takes, what it refuses and with which words, and that nothing is lost on the way."""

from __future__ import annotations

import json
from typing import Any

import hypothesis.extra.numpy as arrays
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage_runtime.codecs import v2
from moorage_runtime.errors import RequestFault
from moorage_runtime.tensors import DATATYPES, TensorSpec, datatype_of, dtype_of, fits, zeros

X = {"x": TensorSpec("x", "FP32", (-1, 2))}
Y = {"y": TensorSpec("y", "FP32", (-1,)), "z": TensorSpec("z", "INT64", (-1,))}


def body(**changes: Any) -> bytes:
    tensor = {"name": "x", "shape": [2, 2], "datatype": "FP32", "data": [1, 2.5, 3, 4]} | changes
    return json.dumps({"inputs": [tensor]}).encode()


@pytest.mark.parametrize("data", [[1, 2.5, 3, 4], [[1, 2.5], [3, 4]]])
def test_data_may_be_flat_or_nested(data: Any) -> None:
    found = v2.decode_infer(body(data=data), X, Y).inputs["x"]
    assert found.dtype == np.float32
    assert found.tolist() == [[1.0, 2.5], [3.0, 4.0]]


def test_id_parameters_and_unknown_keys_are_accepted() -> None:
    request = json.loads(body(parameters={"content_type": "np"})) | {"id": "7", "parameters": {"a": 1}, "more": []}
    assert v2.decode_infer(json.dumps(request).encode(), X, Y).id == "7"


REFUSED = [
    (b"", "Input data was truncated"),
    (b"{", "Input data was truncated"),
    (b"[]", "Expected `object`, got `array`"),
    (b"{}", "Object missing required field `inputs`"),
    (b'{"inputs":[]}', "inputs: 'x' is missing; the model takes 'x'"),
    (b'{"inputs":[{"name":1}]}', "inputs[0].name: Expected `str`, got `int`"),
    (body(name="q"), "inputs[0].name: the model has no input 'q'; it takes 'x'"),
    (body(datatype="FP64"), "inputs[0].datatype: 'FP64' is sent, the model takes FP32"),
    (body(shape=[2]), "inputs[0].shape: [2] is sent, the model takes [-1, 2]"),
    (body(shape=[2, 3]), "inputs[0].shape: [2, 3] is sent, the model takes [-1, 2]"),
    (body(shape=[-2, 2]), "inputs[0].shape: [-2, 2] is sent, the model takes [-1, 2]"),
    (body(shape=[3, 2]), "inputs[0].data: 4 elements, the shape [3, 2] needs 6"),
    (body(shape=[2**62, 2]), f"inputs[0].data: 4 elements, the shape [{2**62}, 2] needs {2**63}"),
    (body(data=[1, 2, 3]), "inputs[0].data: 3 elements, the shape [2, 2] needs 4"),
    (body(data=[[1, 2], [3]]), "inputs[0].data: the rows differ in length"),
    (body(data=[[1], [2], [3], [4]]), "inputs[0].data: nested as [4, 1], the shape says [2, 2]"),
    (body(data=[1, 2, 3, "4"]), "inputs[0].data[3]: Expected `float`, got `str`"),
    (body(data=[1, 2, 3, True]), "inputs[0].data[3]: Expected `float`, got `bool`"),
    (body(data=[1, 2, 3, None]), "inputs[0].data[3]: Expected `float`, got `null`"),
    (body(data=[[1, 2], [3, "4"]]), "inputs[0].data[1][1]: Expected `float`, got `str`"),
    (body(data=[1, 2, 3, 1e39]), "inputs[0].data: a number does not fit FP32"),
    (body(data={"a": 1}), "inputs[0].data: Expected `array`, got `object`"),
]


@pytest.mark.parametrize(("sent", "message"), REFUSED)
def test_what_is_wrong_is_said_with_its_path(sent: bytes, message: str) -> None:
    with pytest.raises(RequestFault) as caught:
        v2.decode_infer(sent, X, Y)
    assert caught.value.status == 400
    assert caught.value.message == message


@pytest.mark.parametrize(
    "data", [b"[NaN,1,1,1]", b"[1,2,3,4", b"[1e999,1,1,1]", b"nope", b"[\xff,1,1,1]", b"[" * 3000 + b"]" * 3000]
)
def test_what_is_no_json_is_refused(data: bytes) -> None:
    sent = b'{"inputs":[{"name":"x","shape":[2,2],"datatype":"FP32","data":' + data + b"}]}"
    with pytest.raises(RequestFault):
        v2.decode_infer(sent, X, Y)


def test_an_input_given_twice_or_not_at_all_is_refused() -> None:
    tensor = json.loads(body())["inputs"][0]
    with pytest.raises(RequestFault, match=r"inputs\[1\].name: 'x' is given twice"):
        v2.decode_infer(json.dumps({"inputs": [tensor, tensor]}).encode(), X, Y)


def test_outputs_are_chosen_by_name() -> None:
    sent = json.loads(body())
    assert v2.decode_infer(json.dumps(sent | {"outputs": [{"name": "z"}]}).encode(), X, Y).outputs == ("z",)
    for wrong, message in (("q", "no output 'q'; it gives 'y', 'z'"), ("z", "'z' is asked for twice")):
        outputs = [{"name": "z"}, {"name": wrong}]
        with pytest.raises(RequestFault, match=message):
            v2.decode_infer(json.dumps(sent | {"outputs": outputs}).encode(), X, Y)


@pytest.mark.parametrize(
    ("datatype", "data"),
    [("INT8", [128]), ("UINT8", [-1]), ("INT64", [2**63]), ("UINT64", [2**64]), ("INT32", [1.5]), ("BOOL", [1])],
)
def test_no_value_is_bent_to_fit_its_datatype(datatype: str, data: list[Any]) -> None:
    with pytest.raises(RequestFault):
        v2.parse_data(msgspec.Raw(json.dumps(data).encode()), datatype, (1,), "data")


def test_not_a_number_is_written_as_null() -> None:
    answer = json.loads(v2.encode_infer("m", "1", None, {"y": np.array([1.5, np.nan, np.inf], np.float32)}))
    assert answer["outputs"][0]["data"] == [1.5, None, None]
    assert "id" not in answer


ANY_SHAPE = arrays.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4)


def _elements(datatype: str) -> Any:
    if datatype == "BYTES":
        return st.text()
    return arrays.from_dtype(dtype_of(datatype), allow_nan=False, allow_infinity=False)


@given(st.data(), st.sampled_from(sorted(DATATYPES)), ANY_SHAPE, st.booleans())
def test_every_tensor_survives_the_way_out_and_in(
    draw: st.DataObject, datatype: str, shape: tuple[int, ...], nested: bool
) -> None:
    array = draw.draw(arrays.arrays(dtype_of(datatype), shape, elements=_elements(datatype)))
    sent = json.loads(v2.encode_infer("m", "1", "id", {"t": array}))["outputs"]
    if nested:
        sent[0]["data"] = array.tolist()
    spec = TensorSpec("t", datatype, tuple(-1 for _ in shape))
    found = v2.decode_infer(json.dumps({"inputs": sent}).encode(), {"t": spec}, {}).inputs["t"]
    assert found.shape == shape
    assert found.dtype == array.dtype
    assert found.tolist() == array.tolist()


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=20))
def test_any_json_as_data_is_a_tensor_or_a_400(data: Any) -> None:
    try:
        found = v2.decode_infer(body(data=data), X, Y).inputs["x"]
    except RequestFault:
        return
    assert found.shape == (2, 2)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_a_400(sent: bytes) -> None:
    with pytest.raises(RequestFault) as caught:
        v2.decode_infer(sent, X, Y)
    assert caught.value.status == 400


@given(st.sampled_from(sorted(DATATYPES)), st.lists(st.integers(-1, 3), max_size=4))
def test_zeros_always_fit(datatype: str, shape: list[int]) -> None:
    spec = TensorSpec("t", datatype, tuple(shape))
    found = zeros(spec)
    assert fits(found.shape, spec)
    assert datatype_of(found) == datatype
