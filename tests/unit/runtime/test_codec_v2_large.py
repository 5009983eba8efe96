"""Large V2 requests: read in many short steps, to the same tensors and the same words as small ones."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import pytest

from moorage_runtime.codecs.v2.reader import GREAT_BYTES, Reader
from moorage_runtime.config import Limits
from moorage_runtime.errors import RequestFault
from moorage_runtime.tensors import TensorSpec

ROWS = 40_000
Y = {"y": TensorSpec("y", "FP32", (-1,))}
FLAT = list(range(2 * ROWS))
PAIRS = [[at, at + 1] for at in range(0, 2 * ROWS, 2)]
CUBES = [[[a], [b]] for a, b in PAIRS]


def reader(rank: int, datatype: str = "FP32") -> Reader:
    shape = {2: (-1, 2), 3: (-1, 2, 1)}[rank]
    return Reader({"x": TensorSpec("x", datatype, shape)}, Y, Limits())


def body(data: str, rank: int = 2, datatype: str = "FP32", rows: int = ROWS) -> bytes:
    shape = [rows, 2, 1][:rank]
    text = json.dumps({"inputs": [{"name": "x", "shape": shape, "datatype": datatype, "data": "@"}]})
    return text.replace('"@"', data).encode()


def steps(data: str, rank: int = 2) -> int:
    return sum(1 for _ in reader(rank).steps(body(data, rank)))


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (" ,\r\n\t", ":")])
@pytest.mark.parametrize(("data", "rank"), [(FLAT, 2), (PAIRS, 2), (FLAT, 3), (CUBES, 3)])
def test_large_data_is_the_same_flat_or_nested(data: Any, rank: int, separators: tuple[str, str]) -> None:
    text = json.dumps(data, separators=separators)
    assert len(text) > GREAT_BYTES
    found = reader(rank).read(body(text, rank)).inputs["x"]
    assert found.shape == (ROWS, 2, 1)[:rank]
    assert found.dtype == np.float32
    assert found.ravel().tolist() == FLAT
    assert steps(text, rank) > 10


@pytest.mark.parametrize("datatype", ["INT64", "FP64", "FP16", "UINT8", "BOOL"])
def test_large_data_of_any_datatype(datatype: str) -> None:
    values = [at % 2 == 0 if datatype == "BOOL" else at % 200 for at in FLAT]
    found = reader(2, datatype).read(body(json.dumps(values), datatype=datatype)).inputs["x"]
    assert found.ravel().tolist() == values


def test_many_texts_are_read() -> None:
    texts = [f'{at} "quoted", \\ and \u00e4' for at in FLAT]
    found = reader(2, "BYTES").read(body(json.dumps(texts), datatype="BYTES")).inputs["x"]
    assert found.ravel().tolist() == texts


WRONG = {
    "a text at the end": (json.dumps([*FLAT[:-1], "x"]), f"[{2 * ROWS - 1}]: Expected `float`, got `str`"),
    "a text at the end of rows": (json.dumps([*PAIRS[:-1], [0, "x"]]), f"[{ROWS - 1}][1]: Expected `float`, got `str`"),
    "one number too many": (json.dumps([*FLAT, 1]), f": {2 * ROWS + 1} elements, the shape needs {2 * ROWS}"),
    "one number too few": (json.dumps(FLAT[:-1]), f": {2 * ROWS - 1} elements, the shape needs {2 * ROWS}"),
    "a row of three and one of one": (json.dumps([*PAIRS[:-2], [1, 2, 3], [4]]), ": the rows differ in length"),
    "a number that does not fit": (json.dumps([*FLAT[:-1], 1e39]), ": a number does not fit FP32"),
    "a list amid numbers": (json.dumps([*FLAT[:-1], [1]]), f"[{2 * ROWS - 1}]: Expected `float`, got `array`"),
    "an empty list in place of a number": (json.dumps([*FLAT[:-1], []]), f"[{2 * ROWS - 1}]: Expected `float`"),
    "a text with commas": (json.dumps("," * (2 * ROWS - 1)), ": Expected `array`, got `str`"),
    "an object": ('{"a":' + json.dumps(FLAT) + "}", ": Expected `array`, got `object`"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_large_data_is_told(name: str) -> None:
    data, words = WRONG[name]
    assert len(data) > GREAT_BYTES
    with pytest.raises(RequestFault) as caught:
        reader(2).read(body(data))
    assert caught.value.status == 400
    assert caught.value.message.startswith("inputs[0].data" + words)


@pytest.mark.parametrize(
    "data", ["[" + "1," * (2 * ROWS - 1) + "]", "[" + "1," * ROWS + "," + "1," * (ROWS - 1) + "1]"]
)
def test_commas_without_numbers_are_no_numbers(data: str) -> None:
    with pytest.raises(RequestFault) as caught:
        reader(2).read(body(f"[{data}]"))
    assert caught.value.status == 400


def test_far_too_many_texts_are_refused_before_they_are_read() -> None:
    with pytest.raises(RequestFault, match=r"data: at least 500000 elements, the shape needs 2$"):
        reader(2, "BYTES").read(body(json.dumps(["a"] * 500_000), datatype="BYTES", rows=1))


def test_no_step_takes_long() -> None:
    """The densest request that fits, beside the whole of which the longest step is short."""
    rows = 900_000
    work = reader(2).steps(body("[" + "1," * (2 * rows - 1) + "1]", rows=rows))
    took = []
    began = time.perf_counter()
    for _ in work:
        took.append(time.perf_counter() - began)
        began = time.perf_counter()
    assert len(took) > 100
    assert sorted(took)[len(took) // 2] < sum(took) / 50
