"""The reader of named features: any bytes are rows that fit the model, or a refusal; the quick way is no other way."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from tests.fuzz.small_slices import in_slices_or_refused, small_slices
from tests.unit.runtime.bad import v2_json
from tests.unit.runtime.test_features_reader import IMAGE, MIXED, PERSON, RIGHT, TABLE

from moorage_runtime.codecs.features.question import Question
from moorage_runtime.codecs.features.reader import Reader
from moorage_runtime.errors import RequestFault
from moorage_runtime.tensors import dtype_of, fits

ELEMENTS = 1000
LAYOUTS = (TABLE, MIXED, IMAGE)
READERS = [(layout, Reader(layout, ELEMENTS)) for layout in LAYOUTS]
DOCUMENTS: tuple[Any, ...] = (
    {"features": RIGHT},
    {"rows": [RIGHT, RIGHT], "options": {"return_probabilities": False, "request_id": "a"}},
    {"features": PERSON, "parameters": {"request_id": None}},
    {"rows": [PERSON, PERSON | {"city": None, "income": None}]},
    {"features": PERSON | {"born": "1969-12-31T23:59:59.999999+14:00"}},
    {"features": PERSON | {"born": "0001-01-01"}},
    {"features": PERSON | {"code": "/w=="}},
    {"features": {"image": [[0, 255], [1, 2]]}},
    {"features": {"image": [[], []]}},
    {"features": {"image": [[1], [2, 3]]}},
    {"rows": []},
    {"features": {}, "rows": [{}]},
    {"features": RIGHT | {"count": 1e300}},
    {"rows": [RIGHT] * 400},
)
SEEDS = [json.dumps(document).encode() for document in DOCUMENTS]
SEEDS += [text for text in v2_json.NO_JSON.values() if len(text) < 4096]
SEEDS += [
    b'{"features":{"mean radius":1,"count":2,"ok":true,"count":3}}',
    b'{"features":{"mean radius":1e999,"count":18446744073709551616,"ok":true}}',
    b'{"features":{"mean radius":NaN}}',
]


@small_slices()
def one(data: bytes) -> None:
    """Read one body for a table, for columns of many types, and for an image."""
    for layout, reader in READERS:
        in_slices = in_slices_or_refused(reader.steps(data))
        try:
            question = reader.read(data)
        except RequestFault as fault:
            assert in_slices is None, "taken in slices only"
            if fault.status not in (400, 413, 422) or not fault.message:
                raise AssertionError("another refusal than a request's") from fault
            continue
        assert in_slices is not None, "refused in slices only"
        assert _told(question) == _told(in_slices)
        for spec in layout.inputs:
            array = question.inputs[spec.name]
            assert array.dtype == dtype_of(spec.datatype)
            assert fits(array.shape, spec)
        slowly = reader._thoroughly(data)
        assert _told(question) == _told(slowly)
        for name, array in question.inputs.items():
            other = slowly.inputs[name]
            assert np.array_equal(array, other, equal_nan=array.dtype.kind == "f")
            assert np.array_equal(array, in_slices.inputs[name], equal_nan=array.dtype.kind == "f")


def _told(question: Question) -> tuple[object, ...]:
    return question.rows, question.single, question.options, question.inputs.keys()
