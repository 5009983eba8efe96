"""V1 and the plain API: the JSON that is bad at any door, and what is wrong only here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.hostile.attack import Attack
from tests.hostile.known import of_head
from tests.hostile.sending import attack
from tests.unit.runtime.bad import v2_heads, v2_json
from tests.unit.runtime.bad.case import Case

V1, FEATURES = "/v1/models/fraud:predict", "/v1/predict/fraud"
SCORES_V1, SCORES = "/v1/models/scores:predict", "/v1/predict/scores"
ROW = {"a": 1, "b": 2.5, "c": -3}
GOOD = {f"in_{datatype}": values for datatype, values in v2_json.GOOD.items()}

# Whole numbers may be written with a point here, and texts as base64.
_GOOD_IN_FEATURES = {("INT8", "[1.0, 0]"), ("INT8", "[1e1, 0]"), ("UINT64", "[1.0, 0]")}
_GOOD_IN_V1 = {("BYTES", '[{"b64": "AA=="}, "a"]')}

WRONG_FEATURES: dict[str, Any] = {
    "one missing": {"features": {"a": 1}},
    "all missing": {"features": {}},
    "one more": {"features": ROW | {"d": 1}},
    "a thousand more": {"features": ROW | {f"d{at}": at for at in range(1000)}},
    "another case": {"features": {"A": 1, "B": 2, "C": 3}},
    "one looks alike": {"features": {"\u0430": 1, "b": 2, "c": 3}},
    "text": {"features": ROW | {"a": "1"}},
    "true": {"features": ROW | {"a": True}},
    "a list": {"features": ROW | {"a": [1]}},
    "an object": {"features": ROW | {"a": {}}},
    "null where one is needed": {"features": ROW | {"a": None}},
    "too large for the tensor": {"features": ROW | {"a": 1e39}},
    "an integer of 400 digits": {"features": ROW | {"a": 10**400}},
    "a list of values": {"features": [1, 2, 3]},
    "features a text": {"features": "a=1"},
    "features null": {"features": None},
    "rows empty": {"rows": []},
    "rows an object": {"rows": ROW},
    "rows null": {"rows": None},
    "rows of lists": {"rows": [[1, 2, 3]]},
    "rows of nothing": {"rows": [None, None]},
    "one row wrong": {"rows": [ROW, ROW | {"b": "x"}]},
    "both": {"features": ROW, "rows": [ROW]},
    "neither": {"options": {}},
    "an unknown key": {"features": ROW, "model": "other"},
    "V2's inputs": {"inputs": [{"name": "X", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}]},
    "options a list": {"features": ROW, "options": []},
    "an unknown option": {"features": ROW, "options": {"shell": "id"}},
    "an option of another type": {"features": ROW, "options": {"return_probabilities": "yes"}},
    "an id that is a number": {"features": ROW, "options": {"request_id": 7}},
    "an id of a megabyte": {"features": ROW, "options": {"request_id": "i" * 2**20}},
    "options twice": {"features": ROW, "options": {}, "parameters": {}},
    "a name of a megabyte": {"features": ROW | {"n" * 2**20: 1}},
    "a name with markup": {"features": ROW | {"<script>": 1}},
    "a name with a format": {"features": ROW | {"%s{0.__class__}": 1}},
    "a name with line ends": {"features": ROW | {"a\r\nx: y": 1}},
    "a name with a NUL": {"features": ROW | {"a\0": 1}},
    "a prototype": {"features": ROW | {"__proto__": {}, "__class__": 1}},
    "ten thousand wrong rows": {"rows": [{"a": "x"}] * 10_000},
}
WRONG_V1: dict[str, Any] = {
    "instances null": {"instances": None},
    "instances an object": {"instances": {"a": 1}},
    "instances a text": {"instances": "1,2,3"},
    "instances empty": {"instances": []},
    "an empty row": {"instances": [[]]},
    "an empty object": {"instances": [{}]},
    "a flat row": {"instances": [1, 2, 3]},
    "too few": {"instances": [[1, 2]]},
    "too many": {"instances": [[1, 2, 3, 4]]},
    "ragged": {"instances": [[1, 2, 3], [1, 2]]},
    "too deep": {"instances": [[[1, 2, 3]]]},
    "text": {"instances": [["1", "2", "3"]]},
    "null": {"instances": [[1, None, 3]]},
    "true": {"instances": [[1, True, 3]]},
    "an object": {"instances": [[1, {}, 3]]},
    "base64": {"instances": [{"b64": "AAAA"}]},
    "rows of two kinds": {"instances": [{"a": 1, "b": 2, "c": 3}, [1, 2, 3]]},
    "a name more": {"instances": [{"a": 1, "b": 2, "c": 3, "d": 4}]},
    "a name less": {"instances": [{"a": 1}]},
    "inputs by another name": {"inputs": {"Y": [[1, 2, 3]]}},
    "inputs with one more": {"inputs": {"X": [[1, 2, 3]], "Y": [[1]]}},
    "inputs empty": {"inputs": {}},
    "inputs null": {"inputs": None},
    "both": {"instances": [[1, 2, 3]], "inputs": [[1, 2, 3]]},
    "neither": {"signature_name": "serving_default"},
    "a name of a megabyte": {"inputs": {"n" * 2**20: [[1, 2, 3]]}},
    "too large for the tensor": {"instances": [[1e39, 0, 0]]},
    "a whole number too large": {"instances": [[10**400, 0, 0]]},
}


def attacks() -> Iterator[Attack]:
    yield from _of("v1", V1, other=(400,), wrong=(400,))
    yield from _of("features", FEATURES, other=(422,), wrong=(400, 422))
    for name, document in WRONG_FEATURES.items():
        yield attack("features", "tensors", Case(name, json.dumps(document).encode(), (422,), SCORES))
    for name, document in WRONG_V1.items():
        yield attack("v1", "tensors", Case(name, json.dumps(document).encode(), (400,), SCORES_V1))
    yield from _twice()
    for door, path, whole in (("v1", SCORES_V1, b'{"instances":[[1,2,3]]}'), ("features", SCORES, _row())):
        yield from _heads(door, path, whole)


def _of(door: str, path: str, other: tuple[int, ...], wrong: tuple[int, ...]) -> Iterator[Attack]:
    """What is bad in itself. `other`: for JSON that is no such request; `wrong`: for that which may be no JSON."""
    for name, body in v2_json.NO_JSON.items():
        yield attack(door, "malformed JSON", Case(name, body, (400,), path))
    for name, body in v2_json.OTHER_JSON.items():
        yield attack(door, "malformed JSON", Case(name, body, other, path))
    for name, body in v2_json.DEEP.items():
        yield attack(door, "depth bombs", Case(name, body, wrong, path))
    for name, body in v2_json.BOMBS.items():
        yield attack(door, "memory bombs", Case(name, body, (*wrong, 413), path))
    numbers = [("FP32", data) for data in v2_json.NUMBERS.values()] + v2_json.OTHER_VALUES
    for datatype, data in numbers:
        yield attack(door, "tensors", _value(door, path, datatype, data))


def _value(door: str, path: str, datatype: str, data: str) -> Case:
    row = {name: values if door == "features" else [values] for name, values in GOOD.items()}
    key = "features" if door == "features" else "inputs"
    marked = json.dumps({key: row | {f"in_{datatype}": "@"}})
    text = data if door == "features" else f"[{data}]"
    body = marked.replace('"@"', text).encode("utf-8", "surrogatepass")
    if (datatype, data) in (_GOOD_IN_FEATURES if door == "features" else _GOOD_IN_V1):
        wanted = 200
    else:
        wanted = 422 if door == "features" and _is_json(body) else 400
    return Case(f"{datatype} {data[:60]!a} ({len(data)})", body, (wanted,), path)


def _is_json(body: bytes) -> bool:
    """Whether these are JSON, and all of their texts are texts."""
    try:
        json.dumps(json.loads(body, parse_constant=_refuse), ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(word: str) -> None:
    raise ValueError(word)


def _row() -> bytes:
    return json.dumps({"features": ROW}).encode()


def _twice() -> Iterator[Attack]:
    row = _row()[len(b'{"features": ') : -1]
    bodies = {
        "a key twice": b'{"features":%b,"features":%b}' % (row, row),
        "a feature twice": b'{"features":%b,"a":2}}' % row[:-1],
        "a feature twice, once escaped": b'{"features":%b,"\\u0061":2}}' % row[:-1],
        "an option twice": b'{"features":%b,"options":{"request_id":"a","request_id":"b"}}' % row,
    }
    for name, body in bodies.items():
        yield attack("features", "malformed JSON", Case(name, body, (400,), SCORES))


def _heads(door: str, path: str, whole: bytes) -> Iterator[Attack]:
    for headers, status in v2_heads.HEADS:
        case = Case(f"head {next(iter(headers.items()))!a}"[:80], whole, (status,), path, headers=headers)
        yield attack(door, of_head(case), case)
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        yield attack(door, "heads and smuggling", Case(f"method {method}", None, (405,), path, method))
