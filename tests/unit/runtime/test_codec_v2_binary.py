"""V2 with binary tensors: nothing is lost, nothing is copied without need, and every lie about a size is found."""

from __future__ import annotations

import json
import struct
from contextlib import suppress
from typing import Any

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage_runtime.codecs.v2 import blobs
from moorage_runtime.codecs.v2.reader import Reader
from moorage_runtime.codecs.v2.request import InferRequest
from moorage_runtime.codecs.v2.writer import Writer
from moorage_runtime.config import Limits
from moorage_runtime.errors import RequestFault
from moorage_runtime.tensors import DATATYPES, Array, TensorSpec, dtype_of

X = {"x": TensorSpec("x", "FP32", (-1, 2))}
TWO = {"a": TensorSpec("a", "INT16", (-1,)), "b": TensorSpec("b", "BYTES", (-1,))}
Y = {"y": TensorSpec("y", "FP32", (-1,))}
ONES = np.ones((3, 2), np.float32)


def tensor(name: str, datatype: str, shape: list[int], size: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape, "parameters": {"binary_data_size": size}} | more


def packed(inputs: list[dict[str, Any]], *content: bytes, pad: int = 0) -> tuple[bytes, int]:
    head = json.dumps({"inputs": inputs}).encode() + b" " * pad
    return head + b"".join(content), len(head)


def aligned(inputs: list[dict[str, Any]], content: bytes) -> tuple[bytes, int]:
    bare = len(packed(inputs)[0])
    return packed(inputs, content, pad=-bare % 16)


ANY_SHAPE = arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


def some(datatype: str, shape: tuple[int, ...]) -> st.SearchStrategy[Array]:
    if datatype == "BYTES":
        return arrays.arrays(np.object_, shape, elements=st.text(max_size=5))
    if datatype == "BF16":
        return arrays.arrays(np.float32, shape, elements=st.floats(width=16)).map(lambda a: a.astype(dtype_of("BF16")))
    return arrays.arrays(dtype_of(datatype), shape)


def content_of(array: Array) -> bytes:
    content, size = blobs.write(array)
    told = b"".join([content])
    assert len(told) == size
    return told


@given(st.data(), st.sampled_from(sorted(DATATYPES)), ANY_SHAPE, st.integers(0, 9))
def test_every_tensor_survives_the_way_out_and_in(
    draw: st.DataObject, datatype: str, shape: tuple[int, ...], pad: int
) -> None:
    array = draw.draw(some(datatype, shape))
    told, length = Writer("m", "1").write(InferRequest({}, binary=("t",)), {"t": array})
    assert length is not None
    answer = json.loads(told[:length])
    size = answer["outputs"][0]["parameters"]["binary_data_size"]
    assert size == len(told) - length
    spec = TensorSpec("t", datatype, tuple(-1 for _ in shape))
    body, json_length = packed(answer["outputs"], told[length:], pad=pad)
    found = Reader({"t": spec}, {}, Limits()).read(body, json_length).inputs["t"]
    assert found.shape == shape
    assert found.dtype == array.dtype
    assert found.flags.aligned
    assert content_of(found) == content_of(array)


def test_numbers_are_looked_at_where_they_lie() -> None:
    sent = np.arange(150_000, dtype=np.float32)
    body, length = aligned([tensor("x", "FP32", [75_000, 2], sent.nbytes)], sent.tobytes())
    found = Reader(X, Y, Limits()).read(body, length).inputs["x"]
    assert np.shares_memory(found, np.frombuffer(body, np.uint8))
    assert found.ravel().tolist() == sent.tolist()


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_body_may_be_any_kind_of_bytes(kind: Any) -> None:
    for pad in range(4):
        body, length = packed([tensor("x", "FP32", [3, 2], 24)], ONES.tobytes(), pad=pad)
        assert Reader(X, Y, Limits()).read(kind(body), length).inputs["x"].tolist() == ONES.tolist()


def test_json_and_binary_inputs_mix() -> None:
    text = struct.pack("<I2sI", 2, b"hi", 0)
    inputs = [tensor("b", "BYTES", [2], len(text)), {"name": "a", "datatype": "INT16", "shape": [1], "data": [7]}]
    found = Reader(TWO, Y, Limits()).read(*packed(inputs, text)).inputs
    assert found["a"].tolist() == [7]
    assert found["b"].tolist() == ["hi", ""]


def test_an_answer_mixes_json_and_binary_as_asked() -> None:
    outputs = {"a": np.array([1, 2], np.int16), "b": np.array(["x"], object), "c": np.array([True])}
    told, length = Writer("m", "1").write(InferRequest({}, id="7", binary=("c", "a")), outputs)
    assert length is not None
    answer = json.loads(told[:length])
    assert answer["id"] == "7"
    assert [output.get("data") for output in answer["outputs"]] == [None, ["x"], None]
    assert told[length:] == b"\1\0\2\0\1"


def test_a_lie_in_a_text_is_found() -> None:
    spec = {"x": TensorSpec("x", "BYTES", (-1,))}
    good = struct.pack("<I2s", 2, b"hi")
    wrong = {
        "cut off": struct.pack("<I2s", 3, b"hi"),
        "1 elements": good + b"\0",
        "too few": b"\2\0\0",
        "element 0 is no UTF-8": struct.pack("<I2s", 2, b"\xff\xfe"),
        "element 0 is cut": struct.pack("<I", 0xFFFFFFFF),
    }
    for message, content in wrong.items():
        body, length = packed([tensor("x", "BYTES", [1], len(content))], content)
        with pytest.raises(RequestFault, match=message) as caught:
            Reader(spec, Y, Limits()).read(body, length)
        assert caught.value.status == 400


LIES: list[tuple[dict[str, Any], bytes, str]] = [
    ({"size": 20}, ONES.tobytes(), "20 bytes, the shape [3, 2] of FP32 needs 24"),
    ({"size": 28}, ONES.tobytes(), "28 bytes, but only 24 are left of the body"),
    ({"size": 2**63}, ONES.tobytes(), "bytes, but only 24 are left"),
    ({"size": -1}, ONES.tobytes(), "must be a number of bytes"),
    ({"size": 24.0}, ONES.tobytes(), "must be a number of bytes"),
    ({"size": "24"}, ONES.tobytes(), "must be a number of bytes"),
    ({"size": True}, ONES.tobytes(), "must be a number of bytes"),
    ({"size": None}, ONES.tobytes(), "inputs[0].data: is missing"),
    ({"size": 24, "data": [1] * 6}, ONES.tobytes(), "inputs[0].data: is given, and binary_data_size as well"),
    ({"size": 24, "shape": [4, 2]}, ONES.tobytes(), "24 bytes, the shape [4, 2] of FP32 needs 32"),
    ({"size": 24, "shape": [2**61, 2]}, ONES.tobytes(), "24 bytes, the shape"),
    ({"size": 24}, ONES.tobytes() + b"x", "1 bytes more than its JSON and the binary tensors"),
    ({"size": 24}, b"", "24 bytes, but only 0 are left"),
]


@pytest.mark.parametrize(("told", "content", "message"), LIES)
def test_a_lie_about_a_size_is_found(told: dict[str, Any], content: bytes, message: str) -> None:
    told = dict(told)
    body, length = packed([tensor("x", "FP32", told.pop("shape", [3, 2]), told.pop("size"), **told)], content)
    with pytest.raises(RequestFault) as caught:
        Reader(X, Y, Limits()).read(body, length)
    assert caught.value.status == 400
    assert message in caught.value.message


def test_a_lie_about_the_json_is_found() -> None:
    body, length = packed([tensor("x", "FP32", [3, 2], 24)], ONES.tobytes())
    for wrong in (0, 1, length - 1, length + 1, length + 24, len(body) + 1, 2**40):
        with pytest.raises(RequestFault) as caught:
            Reader(X, Y, Limits()).read(body, wrong)
        assert caught.value.status == 400
    with pytest.raises(RequestFault, match="trailing characters"):
        Reader(X, Y, Limits()).read(body)
    with pytest.raises(RequestFault, match="needs the header Inference-Header-Content-Length"):
        Reader(X, Y, Limits()).read(body[:length])


def test_a_bool_is_a_byte_of_0_or_1() -> None:
    spec = {"x": TensorSpec("x", "BOOL", (-1,))}
    with pytest.raises(RequestFault, match="a BOOL is a byte of 0 or 1"):
        Reader(spec, Y, Limits()).read(*packed([tensor("x", "BOOL", [2], 2)], b"\1\2"))


def test_the_limits_hold() -> None:
    body, length = packed([tensor("x", "FP32", [3, 2], 24)], ONES.tobytes())
    for limits in (Limits(elements=5), Limits(json_bytes=length - 1)):
        with pytest.raises(RequestFault) as caught:
            Reader(X, Y, limits).read(body, length)
        assert caught.value.status == 413
    assert Reader(X, Y, Limits(elements=6, json_bytes=length)).read(body, length).inputs["x"].size == 6


def test_what_has_no_json_form_is_only_binary() -> None:
    spec = {"x": TensorSpec("x", "BF16", (-1,))}
    reader = Reader(spec, spec, Limits())
    given_as_json = {"name": "x", "datatype": "BF16", "shape": [1], "data": [1.0]}
    with pytest.raises(RequestFault, match="BF16 has no JSON form, send it as a binary tensor"):
        reader.read(json.dumps({"inputs": [given_as_json]}).encode())
    asked = tensor("x", "BF16", [1], 2)
    with pytest.raises(RequestFault, match="'x' is BF16, which has no JSON form; ask for it with binary_data true"):
        reader.read(*packed([asked], b"\x80\x3f"))
    head = json.dumps({"inputs": [asked], "parameters": {"binary_data_output": True}}).encode()
    request = reader.read(head + b"\x80\x3f", len(head))
    assert request.inputs["x"].astype(np.float32).tolist() == [1.0]
    told, length = Writer("m", "1").write(request, request.inputs)
    assert length is not None
    assert told[length:] == b"\x80\x3f"


@given(st.binary(max_size=60), st.integers(0, 40), st.lists(st.integers(0, 3), min_size=1, max_size=2))
def test_any_bytes_are_texts_or_a_400(content: bytes, size: int, shape: list[int]) -> None:
    spec = {"x": TensorSpec("x", "BYTES", tuple(-1 for _ in shape))}
    found = None
    with suppress(RequestFault):
        found = Reader(spec, Y, Limits()).read(*packed([tensor("x", "BYTES", shape, size)], content))
    assert found is None or content_of(found.inputs["x"]) == content
