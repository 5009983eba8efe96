"""The compiled reader takes what most clients send, and never takes it differently than the careful one."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from moorage_runtime.codecs.v2.careful import Careful
from moorage_runtime.codecs.v2.parameters import Outputs
from moorage_runtime.codecs.v2.quick import Quick
from moorage_runtime.codecs.v2.request import InferRequest
from moorage_runtime.errors import RequestFault
from moorage_runtime.steps import finish
from moorage_runtime.tensors import TensorSpec, dtype_of

OUTPUTS = {"y": TensorSpec("y", "FP32", (-1,)), "z": TensorSpec("z", "INT64", (-1,))}
ELEMENTS = 40


def specs(*told: tuple[str, tuple[int, ...]]) -> dict[str, TensorSpec]:
    return {f"i{at}": TensorSpec(f"i{at}", datatype, shape) for at, (datatype, shape) in enumerate(told)}


MODELS = [
    specs(("FP32", (-1, 2))),
    specs(("FP64", (-1, 2))),
    specs(("INT64", (-1,))),
    specs(("UINT8", (2, 2))),
    specs(("FP16", (-1, -1))),
    specs(("BOOL", (-1, 1))),
    specs(("BYTES", (-1, 2))),
    specs(("FP32", ())),
    specs(("FP32", (-1, 2, 1))),
    specs(("FP32", (-1, 2)), ("INT32", (-1, 1))),
    specs(("BYTES", (-1,)), ("FP64", (-1, 1))),
]
NUMBERS = st.sampled_from([0, 1, -1, 2.5, 255, 256, 2**31, 2**63, 2**64, 65519, 65520, 1e-46, 3.4e38, 3.5e38, -0.0])
VALUES = NUMBERS | st.sampled_from([True, False, None, "", "a", "\u00e4\0"])


def good_value(datatype: str) -> st.SearchStrategy[Any]:
    if datatype == "BOOL":
        return st.booleans()
    if datatype == "BYTES":
        return st.text(max_size=3)
    if datatype.startswith("FP"):
        return st.floats(width=16, allow_nan=False, allow_infinity=False) | st.integers(-9, 9)
    return st.integers(0, 100)


@st.composite
def tensors(draw: st.DrawFn, spec: TensorSpec) -> dict[str, Any]:
    """A tensor as a client writes it, here and there wrong."""
    shape = [draw(st.integers(0, 3)) if length < 0 else length for length in spec.shape]
    good = draw(st.integers(0, 5)) > 0
    value = good_value(spec.datatype) if good else VALUES
    data: Any = draw(st.lists(value, min_size=math.prod(shape), max_size=math.prod(shape)))
    if draw(st.booleans()) and len(shape) == 2:
        data = [data[row * shape[1] : (row + 1) * shape[1]] for row in range(shape[0])]
    told: dict[str, Any] = {"name": spec.name, "shape": shape, "datatype": spec.datatype, "data": data}
    wrong: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
        [
            {"name": "i1"},
            {"shape": [*shape, 1]},
            {"shape": [1.0]},
            {"shape": [-1, 2]},
            {"datatype": "FP32"},
            {"data": []},
            {"data": [data]},
            {"data": [[1, 2], [3]]},
            {"parameters": {}},
            {"parameters": {"content_type": "np"}},
            {"parameters": None},
            {"parameters": {"binary_data_size": 4}},
            {"more": [1]},
        ]
    )
    return told if good else told | draw(wrong)


@st.composite
def requests(draw: st.DrawFn) -> tuple[dict[str, TensorSpec], bytes]:
    model = draw(st.sampled_from(MODELS))
    inputs = [draw(tensors(spec)) for spec in model.values()]
    if draw(st.integers(0, 9)) == 0:
        inputs = draw(st.lists(st.sampled_from(inputs), max_size=3))
    order = draw(st.permutations(inputs))
    keyed = [dict(draw(st.permutations(list(tensor.items())))) for tensor in order]
    request: dict[str, Any] = {"inputs": keyed}
    request |= draw(
        st.sampled_from([{}, {"id": "a"}, {}, {"id": "b"}, {"id": 1}, {"id": None}, {"parameters": {"timeout": 5}}])
    )
    request |= draw(
        st.sampled_from([{}, {"outputs": []}, {}, {}, {"outputs": [{"name": "z"}]}, {"outputs": [{"name": "q"}]}])
    )
    return model, json.dumps(request).encode()


def outcome(read: Any) -> InferRequest | str | None:
    try:
        found: InferRequest | None = read()
    except RequestFault as fault:
        return fault.message
    return found


def same(one: InferRequest, other: InferRequest) -> bool:
    if (one.outputs, one.id, one.parameters, one.binary) != (other.outputs, other.id, other.parameters, other.binary):
        return False
    pairs = [(array, other.inputs[name]) for name, array in one.inputs.items()]
    return one.inputs.keys() == other.inputs.keys() and all(
        mine.dtype == theirs.dtype and mine.shape == theirs.shape and np.array_equal(mine, theirs)
        for mine, theirs in pairs
    )


FIRST = MODELS[0]


@settings(max_examples=800)
@given(requests())
@example((FIRST, b'{"inputs":[{"name":"i0","shape":[1,2],"datatype":"FP32","data":[1,2],"data":[3,4]}]}'))
@example((FIRST, b'{"inputs":[{"shape":[1,2],"datatype":"FP32","data":[1,2]}]}'))
@example((FIRST, b'{"inputs":[{"name":"i0","shape":[1,2],"datatype":"FP32","data":[1,2]}]} x'))
@example((FIRST, b'{"inputs":[{"name":"i0","shape":[1,2],"datatype":"FP32","data":[-0,2]}]}'))
def test_both_readers_agree_on_every_document(drawn: tuple[dict[str, TensorSpec], bytes]) -> None:
    model, body = drawn
    outputs = Outputs(OUTPUTS)
    quick = outcome(lambda: Quick(model, outputs, ELEMENTS).read(body))
    careful = outcome(lambda: finish(Careful(model, outputs, ELEMENTS).read(body, None)))
    event("quick" if isinstance(quick, InferRequest) else "refused" if isinstance(careful, str) else "careful only")
    if isinstance(quick, InferRequest):
        assert isinstance(careful, InferRequest), careful
        assert same(quick, careful)
    elif isinstance(quick, str):
        assert quick == careful


@pytest.mark.parametrize("model", MODELS)
def test_plain_requests_take_the_quick_way(model: dict[str, TensorSpec]) -> None:
    values = {"BOOL": True, "BYTES": "a"}
    quick = Quick(model, Outputs(OUTPUTS), ELEMENTS)
    inputs = []
    for spec in model.values():
        shape = [2 if length < 0 else length for length in spec.shape]
        data = [values.get(spec.datatype, 1)] * math.prod(shape)
        inputs.append({"name": spec.name, "shape": shape, "datatype": spec.datatype, "data": data})
    for request in ({"inputs": inputs}, {"inputs": inputs[::-1], "id": "x"}):
        assert quick.read(json.dumps(request).encode()) is not None


def test_a_client_that_nests_its_data_takes_it_too() -> None:
    quick = Quick(FIRST, Outputs(OUTPUTS), ELEMENTS)
    flat, nested = [1.0, 2.0, 3.0, 4.0], [[1.0, 2.0], [3.0, 4.0]]
    for data in (flat, nested, nested, flat, flat, nested):
        tensor = {"name": "i0", "shape": [2, 2], "datatype": "FP32", "data": data}
        found = quick.read(json.dumps({"inputs": [tensor]}).encode())
        assert found is not None
        assert found.inputs["i0"].tolist() == nested


def test_requests_of_many_sizes_are_read() -> None:
    quick = Quick(FIRST, Outputs(OUTPUTS), 10_000)
    for rows in [*range(1, 200), 1, 199]:
        tensor = {"name": "i0", "shape": [rows, 2], "datatype": "FP32", "data": list(range(rows * 2))}
        found = quick.read(json.dumps({"inputs": [tensor]}).encode())
        assert found is not None
        assert found.inputs["i0"].ravel().tolist() == list(range(rows * 2))


NUMERIC = [
    specs(("FP32", (-1, 2))),
    specs(("INT8", (-1,)), ("FP64", (2, -1))),
    specs(("BF16", ())),
    specs(("FP16", (3,))),
]


@st.composite
def binary_requests(draw: st.DrawFn) -> tuple[dict[str, TensorSpec], bytes, int]:
    """Requests whose inputs are all binary tensors, here and there with a lie."""
    model = draw(st.sampled_from(NUMERIC))
    inputs: list[dict[str, Any]] = []
    tail = b""
    for spec in model.values():
        shape = [draw(st.integers(0, 3)) if length < 0 else length for length in spec.shape]
        content = draw(st.binary(min_size=(size := math.prod(shape) * dtype_of(spec.datatype).itemsize), max_size=size))
        told: dict[str, Any] = {"name": spec.name, "shape": shape, "datatype": spec.datatype}
        told["parameters"] = {"binary_data_size": size}
        if draw(st.integers(0, 5)) == 0:
            told |= draw(st.sampled_from(LIES))
        inputs.append(told)
        tail += content
    tail += draw(st.sampled_from([b"", b"", b"", b"", b"x"]))
    more: list[dict[str, Any]] = [{}, {"id": "a"}, {"parameters": {"binary_data_output": True}}]
    request: dict[str, Any] = {"inputs": draw(st.permutations(inputs))} | draw(st.sampled_from(more))
    head = json.dumps(request).encode() + b" " * draw(st.integers(0, 8))
    return model, head + tail, len(head)


LIES: list[dict[str, Any]] = [
    {"data": [1]},
    {"data": None},
    {"shape": [1]},
    {"parameters": None},
    {"parameters": {}},
    {"parameters": {"binary_data_size": 3}},
    {"parameters": {"binary_data_size": 8.0}},
    {"parameters": {"binary_data_size": None}},
    {"parameters": {"binary_data_size": 2**40}},
    {"parameters": {"binary_data_size": -1}},
    {"parameters": {"binary_data_size": 8, "shared_memory_region": "r"}},
    {"parameters": {"binary_data_size": 8, "shared_memory_region": None}},
]


@settings(max_examples=400)
@given(binary_requests())
def test_both_readers_agree_on_binary_tensors(drawn: tuple[dict[str, TensorSpec], bytes, int]) -> None:
    model, body, length = drawn
    outputs = Outputs(OUTPUTS)
    quick = outcome(lambda: Quick(model, outputs, ELEMENTS).read_binary(body, length))
    careful = outcome(lambda: finish(Careful(model, outputs, ELEMENTS).read(body, length)))
    event("quick" if isinstance(quick, InferRequest) else "refused" if isinstance(careful, str) else "careful only")
    if isinstance(quick, InferRequest):
        assert isinstance(careful, InferRequest), careful
        assert (quick.outputs, quick.id, quick.binary) == (careful.outputs, careful.id, careful.binary)
        for name, array in quick.inputs.items():
            assert array.flags.aligned
            assert (array.dtype, array.shape) == (careful.inputs[name].dtype, careful.inputs[name].shape)
            assert array.tobytes() == careful.inputs[name].tobytes()
    elif isinstance(quick, str):
        assert quick == careful
