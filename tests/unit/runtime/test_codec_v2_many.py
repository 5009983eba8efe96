"""JSON that is mostly numbers: read without objects, to the same tensors as any other, and never to more."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage_runtime.codecs import numbers
from moorage_runtime.codecs.v2.reader import Reader
from moorage_runtime.config import Limits
from moorage_runtime.errors import RequestFault
from moorage_runtime.tensors import TensorSpec

ROWS = 40
FLAT = [at + 0.5 for at in range(2 * ROWS)]
PAIRS = np.reshape(FLAT, (ROWS, 2)).tolist()
TENSOR: dict[str, Any] = {"name": "x", "shape": [ROWS, 2], "datatype": "FP32", "data": FLAT}
Y = {"y": TensorSpec("y", "FP32", (-1,))}


def reader(datatype: str = "FP32") -> Reader:
    return Reader({"x": TensorSpec("x", datatype, (-1, 2))}, Y, Limits())


def outcome(body: bytes, *, many: bool, by: Reader | None = None) -> Any:
    """The tensor and what else was asked, or the words of the refusal."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numbers, "FEW_BYTES", 0 if many else 1 << 30)
        try:
            found = (by or reader()).read(body)
        except RequestFault as fault:
            return fault.status, fault.message
    return found.inputs["x"].tolist(), found.id, dict(found.parameters), found.outputs, found.binary


def objectless() -> Reader:
    """A reader that fails where it would make an object of each number."""
    made = reader()
    for compiled in made._quick._json:
        compiled.decode = objects
    return made


def objects(body: Any) -> Any:
    raise AssertionError(f"read with objects: {body!r:.100}")


@pytest.mark.parametrize("data", [FLAT, PAIRS])
@pytest.mark.parametrize("space", ["", " ", "\n "])
@pytest.mark.parametrize("more", [{}, {"id": "r", "parameters": {"a": 1}}, {"outputs": [{"name": "y"}]}])
def test_plain_requests_are_read_without_objects(data: Any, space: str, more: dict[str, Any]) -> None:
    body = json.dumps(more | {"inputs": [TENSOR | {"data": data}]}, separators=(f"{space},{space}", f"{space}:{space}"))
    found = outcome(body.encode(), many=True, by=objectless())
    assert found[0] == PAIRS
    assert found == outcome(body.encode(), many=False)
    with pytest.raises(AssertionError, match="read with objects"):
        outcome(body.encode(), many=False, by=objectless())


def text(**fields: Any) -> str:
    return json.dumps({"inputs": [TENSOR | fields]}, separators=(",", ":"))


LIST = json.dumps(FLAT, separators=(",", ":"))
ODD = {
    "the key again, escaped": text().replace("}]}", ',"d\\u0061ta":[1]}]}'),
    "the key again": text().replace("}]}", ',"data":[1]}]}'),
    "only escaped": text().replace('"data"', '"d\\u0061ta"'),
    "the list elsewhere": f'{{"parameters":{{"data":{LIST}}},{text(data=[])[1:]}',
    "the list elsewhere, and none": f'{{"parameters":{{"data":{LIST}}},{text(data=[])[1:]}'.replace(',"data":[]', ""),
    "in the tensor's parameters": text(data=[]).replace("}]}", f',"parameters":{{"data":{LIST}}}}}]}}'),
    "in a text": json.dumps({"id": f'"data":{LIST}', "inputs": [TENSOR]}),
    "a text amid": text(data=[*FLAT[:-1], "1"]),
    "a bracket in a text": text(data=[*FLAT[:-1], "]"]),
    "a null": text(data=[*FLAT[:-1], None]),
    "a list amid": text(data=[*FLAT[:-1], [1]]),
    "too few": text(data=FLAT[:-1]),
    "too many": text(data=[*FLAT, 1]),
    "rows of another length": text(data=np.reshape(FLAT, (20, 4)).tolist()),
    "a row too few": text(data=PAIRS[:-1]),
    "a row of three and one of one": text(data=[*PAIRS[:-2], [1, 2, 3], [4]]),
    "three deep": text(data=[PAIRS]),
    "beyond FP32": text(data=[*FLAT[:-1], 1e39]),
    "beyond FP64": text().replace("0.5,", "1e400,", 1),
    "many digits": text(data=[*FLAT[:-1], 10**30]),
    "open": text()[:-4],
    "behind it": text() + "x",
    "a size as well": text(parameters={"binary_data_size": 4}),
    "shared memory": text(parameters={"shared_memory_region": "a"}),
    "another shape": text(shape=[2, ROWS]),
    "another name": text(name="z"),
    "an output twice": json.dumps({"inputs": [TENSOR], "outputs": [{"name": "y"}, {"name": "y"}]}),
}


@pytest.mark.parametrize("name", ODD)
def test_whatever_is_odd_ends_as_with_objects(name: str) -> None:
    body = ODD[name].encode()
    assert outcome(body, many=True) == outcome(body, many=False)


@given(st.data())
def test_a_byte_more_or_less_or_another_ends_as_with_objects(data: st.DataObject) -> None:
    body = text(data=PAIRS[:3], shape=[3, 2]).encode()
    at = data.draw(st.integers(0, len(body) - 1))
    some = data.draw(st.sampled_from([b"", b'"', b"]", b"[", b",", b"1", b"}", b"\\", b" ", b"-", b"e"]))
    changed = body[:at] + some + body[at + data.draw(st.integers(0, 1)) :]
    assert outcome(changed, many=True) == outcome(changed, many=False)


@pytest.mark.parametrize("datatype", ["INT64", "INT8", "UINT64", "FP64", "FP16"])
def test_numbers_of_any_type(datatype: str) -> None:
    values = [at % 100 for at in range(800)]
    body = text(data=values, shape=[400, 2], datatype=datatype).encode()
    assert len(body) > numbers.FEW_BYTES
    found = reader(datatype).read(body).inputs["x"]
    assert found.ravel().tolist() == values
    assert found.dtype == np.dtype(datatype.lower().replace("fp", "float"))
