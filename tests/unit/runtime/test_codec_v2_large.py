"""Large V2 requests: read in many short steps, to the same tensors and the same words as small ones."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.runtime.bad import v2_json

from moorage_runtime.codecs import slices
from moorage_runtime.codecs.slices import GREAT_BYTES
from moorage_runtime.codecs.v2 import elements, outline
from moorage_runtime.codecs.v2.careful import Careful
from moorage_runtime.codecs.v2.parameters import Outputs
from moorage_runtime.codecs.v2.reader import Reader
from moorage_runtime.config import Limits
from moorage_runtime.errors import RequestFault
from moorage_runtime.steps import finish
from moorage_runtime.tensors import TensorSpec

ROWS = 40_000
Y = {"y": TensorSpec("y", "FP32", (-1,))}
ASKED = {f"in_{datatype}": TensorSpec(f"in_{datatype}", datatype, (-1, 2)) for datatype in v2_json.ASKED}
CAREFUL = Careful(ASKED, Outputs({}), 10**6)
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


def outcome(data: bytes) -> tuple[int, list[Any]]:
    """0 and the elements, or the status of the refusal."""
    try:
        found = finish(CAREFUL.read(data, None)).inputs
    except RequestFault as fault:
        return fault.status, []
    return 0, [(name, array.dtype, array.shape, array.tolist()) for name, array in sorted(found.items())]


def test_in_slices_or_whole_the_same_is_taken_and_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = [case.body for case in v2_json.cases() if case.body is not None and len(case.body) < 10_000]
    whole = [outcome(data) for data in bodies]
    assert {0, 400} <= {status for status, _ in whole}
    monkeypatch.setattr(elements, "_GREAT", 0)
    for size in (1, 2, 3, 5, 8):
        monkeypatch.setattr(slices, "SLICE_BYTES", size)
        assert [outcome(data) for data in bodies] == whole


SPACES = st.sampled_from(["", " ", "\n", "  "])


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(-9, 9), min_size=0, max_size=3), max_size=5), st.integers(0, 6), st.data())
def test_any_slices_of_any_rows(rows: list[list[int]], count: int, data: st.DataObject) -> None:
    space = data.draw(SPACES)
    text = json.dumps(rows, separators=(f"{space},{space}", ":")).replace("]", f"{space}]")
    sent = body(text, rows=count)
    found = []
    for great, size in ((2**40, 2**40), (0, data.draw(st.integers(0, 30)))):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(elements, "_GREAT", great)
            patch.setattr(slices, "SLICE_BYTES", size)
            try:
                found.append(finish(reader(2).steps(sent)).inputs["x"].tolist())
            except RequestFault as fault:
                found.append(fault.status)
    assert found[0] == found[1]


ENDLESS = [b'"data":[', b'"data":[1,2,3,4,5,6,7,8,9,0,1,2,3', b'"data":[[[{', b'"data":[' + b" " * 50]


@pytest.mark.parametrize("unit", ENDLESS)
def test_lists_that_never_end_are_looked_for_a_few_times(unit: bytes) -> None:
    text = unit * ((4 << 20) // len(unit))
    looked = sum(1 for _ in outline.outline(text))
    assert looked < 600
    found = finish(outline.outline(text))
    assert (found.text, found.lists) == (text, {})
