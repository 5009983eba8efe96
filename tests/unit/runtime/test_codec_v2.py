"""V2 as JSON: what is taken, what is refused and with which words, and that nothing is lost on the way."""

from __future__ import annotations

import gc
import json
from typing import Any

import hypothesis.extra.numpy as arrays
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage_runtime.codecs.v2 import elements, expected, metadata
from moorage_runtime.codecs.v2.reader import Reader
from moorage_runtime.codecs.v2.request import InferRequest
from moorage_runtime.codecs.v2.writer import Writer
from moorage_runtime.config import Limits
from moorage_runtime.errors import RequestFault
from moorage_runtime.steps import finish
from moorage_runtime.tensors import DATATYPES, TensorSpec, datatype_of, dtype_of, fits, zeros

X = {"x": TensorSpec("x", "FP32", (-1, 2))}
Y = {"y": TensorSpec("y", "FP32", (-1,)), "z": TensorSpec("z", "INT64", (-1,))}
READER = Reader(X, Y, Limits())
IN_JSON = sorted(DATATYPES - elements.NO_JSON)


def body(**changes: Any) -> bytes:
    tensor = {"name": "x", "shape": [2, 2], "datatype": "FP32", "data": [1, 2.5, 3, 4]} | changes
    return json.dumps({"inputs": [tensor]}).encode()


@pytest.mark.parametrize("data", [[1, 2.5, 3, 4], [[1, 2.5], [3, 4]]])
def test_data_may_be_flat_or_nested(data: Any) -> None:
    for _ in range(3):
        found = READER.read(body(data=data)).inputs["x"]
        assert found.dtype == np.float32
        assert found.tolist() == [[1.0, 2.5], [3.0, 4.0]]


def test_id_parameters_and_unknown_keys_are_accepted() -> None:
    request = json.loads(body(parameters={"content_type": "np"})) | {"id": "7", "parameters": {"a": 1}, "more": []}
    found = READER.read(json.dumps(request).encode())
    assert found.id == "7"
    assert found.parameters == {"a": 1}


REFUSED = [
    (b"", "Input data was truncated"),
    (b"{", "Input data was truncated"),
    (b"[]", "Expected `object`, got `array`"),
    (b"{}", "Object missing required field `inputs`"),
    (b'{"inputs":[]}', "inputs: 'x' is missing; the model takes 'x'"),
    (b'{"inputs":[{"name":1}]}', "inputs[0].name: Expected `str`, got `int`"),
    (b'{"inputs":[{"name":"x","shape":[2,2],"datatype":"FP32"}]}', "inputs[0].data: is missing"),
    (body(name="q"), "inputs[0].name: the model has no input 'q'; it takes 'x'"),
    (body(datatype="FP64"), "inputs[0].datatype: 'FP64' is sent, the model takes FP32"),
    (body(shape=[2]), "inputs[0].shape: [2] is sent, the model takes [-1, 2]"),
    (body(shape=[2, 3]), "inputs[0].shape: [2, 3] is sent, the model takes [-1, 2]"),
    (body(shape=[-2, 2]), "inputs[0].shape: [-2, 2] is sent, the model takes [-1, 2]"),
    (body(shape=[1] * 65), "inputs[0].shape: a shape of 65 lengths is sent, the model takes [-1, 2]"),
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
    (body(parameters={"binary_data_size": 16}), "inputs[0].data: is given, and binary_data_size as well"),
    (
        body(parameters={"shared_memory_region": "r"}),
        "inputs[0].parameters.shared_memory_region: shared memory is not supported, send the data",
    ),
]


@pytest.mark.parametrize(("sent", "message"), REFUSED)
def test_what_is_wrong_is_said_with_its_path(sent: bytes, message: str) -> None:
    with pytest.raises(RequestFault) as caught:
        READER.read(sent)
    assert caught.value.status == 400
    assert caught.value.message == message


@pytest.mark.parametrize(
    "data", [b"[NaN,1,1,1]", b"[1,2,3,4", b"[1e999,1,1,1]", b"nope", b"[\xff,1,1,1]", b"[" * 3000 + b"]" * 3000]
)
def test_what_is_no_json_is_refused(data: bytes) -> None:
    sent = b'{"inputs":[{"name":"x","shape":[2,2],"datatype":"FP32","data":' + data + b"}]}"
    with pytest.raises(RequestFault):
        READER.read(sent)


def test_an_input_given_twice_or_not_at_all_is_refused() -> None:
    tensor = json.loads(body())["inputs"][0]
    with pytest.raises(RequestFault, match=r"inputs\[1\].name: 'x' is given twice"):
        READER.read(json.dumps({"inputs": [tensor, tensor]}).encode())


def asking(outputs: Any, **request: Any) -> bytes:
    return json.dumps(json.loads(body()) | {"outputs": outputs} | request).encode()


def test_outputs_are_chosen_by_name() -> None:
    assert READER.read(asking([{"name": "z"}])).outputs == ("z",)
    assert READER.read(asking([])).outputs is None


def test_to_name_all_outputs_in_their_order_is_to_name_none() -> None:
    names = [*Y]
    assert READER.read(asking([{"name": name} for name in names])).outputs is None
    assert READER.read(asking([{"name": name} for name in reversed(names)])).outputs == tuple(reversed(names))
    for wrong, message in (("q", "no output 'q'; it gives 'y', 'z'"), ("z", "'z' is asked for twice")):
        with pytest.raises(RequestFault, match=message):
            READER.read(asking([{"name": "z"}, {"name": wrong}]))


def test_the_form_of_each_output_is_chosen() -> None:
    told = [{"name": "z"}, {"name": "y", "parameters": {"binary_data": True}}]
    assert READER.read(asking(told)).binary == ("y",)
    told = [{"name": "z"}, {"name": "y", "parameters": {"binary_data": False}}]
    assert READER.read(asking(told, parameters={"binary_data_output": True})).binary == ("z",)
    assert READER.read(asking([], parameters={"binary_data_output": True})).binary == ("y", "z")
    assert READER.read(asking([], parameters={"binary_data_output": False})).binary == ()


WRONG_PARAMETERS = [
    ({"outputs": [{"name": "y", "parameters": {"classification": 2}}]}, "outputs[0].parameters.classification"),
    ({"outputs": [{"name": "y", "parameters": {"binary_data": 1}}]}, "outputs[0].parameters.binary_data"),
    ({"outputs": [{"name": "y", "parameters": {"shared_memory_region": "a"}}]}, "outputs[0].parameters.shared"),
    ({"parameters": {"binary_data_output": "yes"}}, "parameters.binary_data_output"),
    ({"parameters": {"timeout": -1}}, "parameters.timeout"),
    ({"parameters": {"timeout": "1s"}}, "parameters.timeout"),
    ({"parameters": {"timeout": True}}, "parameters.timeout"),
    ({"parameters": 5}, "parameters: Expected"),
]


@pytest.mark.parametrize(("request_part", "start"), WRONG_PARAMETERS)
def test_parameters_that_we_know_are_checked(request_part: dict[str, Any], start: str) -> None:
    with pytest.raises(RequestFault) as caught:
        READER.read(json.dumps(json.loads(body()) | request_part).encode())
    assert caught.value.message.startswith(start)


def test_what_is_too_large_is_413_and_says_the_limit() -> None:
    small = Reader(X, Y, Limits(json_bytes=100, elements=6))
    with pytest.raises(RequestFault, match="the JSON is larger than 100 bytes; send large tensors as binary") as caught:
        small.read(body(data=[1.25] * 40))
    assert caught.value.status == 413
    with pytest.raises(RequestFault, match="a request may have 6 elements") as caught:
        Reader(X, Y, Limits(elements=6)).read(body(shape=[4, 2], data=[1] * 8))
    assert caught.value.status == 413
    for shape in ([0, 2], [3, 2]):
        data = [1] * shape[0] * shape[1]
        assert Reader(X, Y, Limits(elements=6)).read(body(shape=shape, data=data)).inputs["x"].shape == tuple(shape)


def test_a_shape_that_no_tensor_can_have_is_refused() -> None:
    open_shape = {"x": TensorSpec("x", "FP32", (-1, -1))}
    for length in (2**40, 2**63 - 1, 2**64, 10**30):
        with pytest.raises(RequestFault):
            Reader(open_shape, Y, Limits()).read(body(shape=[0, length], data=[]))


@pytest.mark.parametrize(
    ("datatype", "data"),
    [("INT8", [128]), ("UINT8", [-1]), ("INT64", [2**63]), ("UINT64", [2**64]), ("INT32", [1.5]), ("BOOL", [1]),
     ("FP16", [65520.0]), ("FP32", [3.4028236e38]), ("INT8", [1.0]), ("BYTES", [1]), ("BYTES", [None])],
)  # fmt: skip
def test_no_value_is_bent_to_fit_its_datatype(datatype: str, data: list[Any]) -> None:
    with pytest.raises(RequestFault):
        finish(elements.read(msgspec.Raw(json.dumps(data).encode()), datatype, (1,), "data"))
    reader = Reader({"x": TensorSpec("x", datatype, (1,))}, {}, Limits())
    with pytest.raises(RequestFault):
        reader.read(body(datatype=datatype, shape=[1], data=data))


def answer(outputs: dict[str, Any], request_id: str | None = None) -> dict[str, Any]:
    told, json_length = Writer('m"', "1").write(InferRequest({}, id=request_id), outputs)
    assert json_length is None
    found: dict[str, Any] = json.loads(told)
    return found


def test_not_a_number_is_written_as_null() -> None:
    told = answer({"y": np.array([1.5, np.nan, np.inf], np.float32)})
    assert told["outputs"][0]["data"] == [1.5, None, None]
    assert "id" not in told


def test_an_answer_says_who_gave_it() -> None:
    told = answer({}, 'i"\u00e4\n')
    assert told == {"model_name": 'm"', "model_version": "1", "id": 'i"\u00e4\n', "outputs": []}


def test_answers_of_many_shapes_keep_theirs() -> None:
    writer = Writer("m", "1")
    for rows in [*range(600), 3, 599]:
        told, _ = writer.write(InferRequest({}), {"y": np.zeros((rows, 1), np.int8)})
        assert json.loads(told)["outputs"] == [
            {"name": "y", "datatype": "INT8", "shape": [rows, 1], "data": [0] * rows}
        ]


ANY_SHAPE = arrays.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4)


def some_elements(datatype: str) -> Any:
    if datatype == "BYTES":
        return st.text()
    return arrays.from_dtype(dtype_of(datatype), allow_nan=False, allow_infinity=False)


@given(st.data(), st.sampled_from(IN_JSON), ANY_SHAPE, st.booleans())
def test_every_tensor_survives_the_way_out_and_in(
    draw: st.DataObject, datatype: str, shape: tuple[int, ...], nested: bool
) -> None:
    array = draw.draw(arrays.arrays(dtype_of(datatype), shape, elements=some_elements(datatype)))
    sent = answer({"t": array}, "id")["outputs"]
    if nested:
        sent[0]["data"] = array.tolist()
    spec = TensorSpec("t", datatype, tuple(-1 for _ in shape))
    found = Reader({"t": spec}, {}, Limits()).read(json.dumps({"inputs": sent}).encode()).inputs["t"]
    assert found.shape == shape
    assert found.dtype == array.dtype
    assert found.tolist() == array.tolist()


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=20))
def test_any_json_as_data_is_a_tensor_or_a_400(data: Any) -> None:
    try:
        found = READER.read(body(data=data)).inputs["x"]
    except RequestFault:
        return
    assert found.shape == (2, 2)


@given(st.binary(max_size=200), st.none() | st.integers(0, 250))
def test_any_bytes_are_a_request_or_a_400(sent: bytes, json_length: int | None) -> None:
    with pytest.raises(RequestFault) as caught:
        READER.read(sent, json_length)
    assert caught.value.status == 400


@given(st.sampled_from(sorted(DATATYPES)), st.lists(st.integers(-1, 3), max_size=4))
def test_zeros_always_fit(datatype: str, shape: list[int]) -> None:
    spec = TensorSpec("t", datatype, tuple(shape))
    found = zeros(spec)
    assert fits(found.shape, spec)
    assert datatype_of(found) == datatype


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (b"{}", "expect: Expected `array`, got `object`"),
        (b'[{"name":"q","data":[1]}]', "expect[0].name: the model has no output 'q'; it gives 'y', 'z'"),
        (b'[{"name":"y","data":5}]', "expect[0].data: Expected `array`"),
        (b'[{"name":"y","data":[[1],[1,2]]}]', "expect[0].data: the rows differ in length"),
        (b'[{"name":"y","data":[1],"datatype":"INT8"}]', "expect[0].datatype: 'INT8' is sent, the model takes FP32"),
    ],
)
def test_an_expected_answer_must_fit_the_models(told: bytes, message: str) -> None:
    with pytest.raises(RequestFault) as caught:
        expected.read(told, Y)
    assert caught.value.message == message


def test_an_expected_answer_needs_no_shape_and_no_datatype() -> None:
    outputs = {"y": TensorSpec("y", "FP32", (-1, 2))}
    for told in (b'[{"name":"y","data":[1,2,3,4]}]', b'[{"name":"y","data":[[1,2],[3,4]]}]'):
        assert expected.read(told, outputs)["y"].tolist() == [[1, 2], [3, 4]]


def test_the_server_names_the_extensions_that_it_has() -> None:
    assert json.loads(metadata.SERVER)["extensions"] == ["binary_tensor_data"]


LARGE = [
    (b"[" + b"1," * 50_000 + b"1]", "inputs[0].data: 50001 elements, the shape needs 4"),
    (b"[" + b"[1,2]," * 50_000 + b"[1,2]]", "inputs[0].data: 100002 elements, the shape needs 4"),
    (b"[" + b"[]," * 50_000 + b"[]]", "inputs[0].data: 50001 elements, the shape needs 4"),
    (b"[1,2,3," + b" " * 70_000 + b"4.5.6]", "JSON is malformed"),
]


@pytest.mark.parametrize(("data", "message"), LARGE)
def test_a_great_many_elements_too_many_are_refused_too(data: bytes, message: str) -> None:
    sent = b'{"inputs":[{"name":"x","shape":[2,2],"datatype":"FP32","data":' + data + b"}]}"
    with pytest.raises(RequestFault) as caught:
        READER.read(sent)
    assert message in caught.value.message
    assert gc.isenabled()


@pytest.mark.parametrize("nested", [False, True])
def test_a_great_many_elements_are_read(nested: bool) -> None:
    wanted = np.arange(60_000, dtype=np.float32).reshape(30_000, 2)
    data = wanted.tolist() if nested else wanted.ravel().tolist()
    for parameters in ({}, {"content_type": "np"}):
        found = READER.read(body(shape=[30_000, 2], data=data, parameters=parameters)).inputs["x"]
        np.testing.assert_array_equal(found, wanted)
    assert gc.isenabled()
