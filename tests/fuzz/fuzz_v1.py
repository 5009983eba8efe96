"""The V1 reader: any bytes are tensors that fit the model, or a refusal."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from tests.fuzz.fuzz_v2_json import ALL
from tests.fuzz.small_slices import in_slices_or_refused, small_slices
from tests.unit.runtime.bad import v2_json

from moorage_runtime.artifact import Column, Signature
from moorage_runtime.codecs.features.reader import Reader
from moorage_runtime.codecs.v1.reader import V1Reader
from moorage_runtime.errors import RequestFault
from moorage_runtime.signature import layout
from moorage_runtime.tensors import TensorSpec, dtype_of, fits

ELEMENTS = 1000
SEVERAL = {name: ALL[name] for name in ("in_FP32", "in_INT8", "in_BOOL", "in_BYTES")}
TABLE = {"X": TensorSpec("X", "FP32", (-1, 2))}
TEXT = {"t": TensorSpec("t", "BYTES", (-1, 1))}
NAMED = Signature((Column("a", "double"), Column("b", "double", required=False)))
MODELS = [
    (specs, V1Reader(specs, Reader(layout(NAMED, specs), ELEMENTS), ELEMENTS)) for specs in (SEVERAL, TABLE, TEXT)
]
_ROW = {name: v2_json.GOOD[name.removeprefix("in_")] for name in SEVERAL}
DOCUMENTS: tuple[Any, ...] = (
    {"instances": [[1, 2], [3, 4]]},
    {"instances": [_ROW, _ROW]},
    {"inputs": {name: [values] for name, values in _ROW.items()}},
    {"inputs": [[1, 2]], "signature_name": "serving_default"},
    {"instances": [{"a": 1, "b": 2}, {"a": 1}]},
    {"instances": [{"b64": "aGk="}, "text", ["text"], [{"b64": "aGk="}]]},
    {"instances": [["text"], [{"b64": "aGk="}]]},
    {"inputs": {"t": [{"b64": "/w=="}]}},
    {"instances": [], "inputs": []},
    {"instances": [[]]},
    {"instances": {"in_FP32": 1}},
    {"instances": [{}]},
    {"instances": [[1, 2]] * 600},
)
SEEDS = [json.dumps(document).encode() for document in DOCUMENTS]
SEEDS += [text for text in v2_json.NO_JSON.values() if len(text) < 4096]


@small_slices()
def one(data: bytes) -> None:
    """Read one body for a model of several inputs, of a table, and of text; at once and in slices."""
    for specs, reader in MODELS:
        in_slices = in_slices_or_refused(reader.steps(data))
        try:
            request = reader.read(data)
        except RequestFault as fault:
            assert in_slices is None, "taken in slices only"
            if fault.status not in (400, 413) or not fault.message:
                raise AssertionError("another refusal than a request's") from fault
            continue
        assert in_slices is not None, "refused in slices only"
        assert request.inputs.keys() == specs.keys()
        assert sum(array.size for array in request.inputs.values()) <= ELEMENTS
        for name, array in request.inputs.items():
            assert array.dtype == dtype_of(specs[name].datatype)
            assert fits(array.shape, specs[name])
            assert np.array_equal(array, in_slices.inputs[name], equal_nan=array.dtype.kind == "f")
