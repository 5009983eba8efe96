"""The V2 reader on JSON: any bytes are a request that fits the model, or a refusal; both readers agree."""

from __future__ import annotations

import numpy as np
from tests.unit.runtime.bad import v2_json
from tests.unit.runtime.identities import NUMPY

from moorage_runtime.codecs import numbers
from moorage_runtime.codecs.v2.careful import Careful
from moorage_runtime.codecs.v2.parameters import Outputs
from moorage_runtime.codecs.v2.quick import Quick
from moorage_runtime.codecs.v2.reader import Reader
from moorage_runtime.codecs.v2.request import InferRequest
from moorage_runtime.config import Limits
from moorage_runtime.errors import RequestFault
from moorage_runtime.steps import finish
from moorage_runtime.tensors import TensorSpec, dtype_of, fits

# Bodies here are short, and yet are to be read like long ones.
numbers.FEW_BYTES = 0
ALONE = {"in_FP32": TensorSpec("in_FP32", "FP32", (-1, 2))}
ALL = {f"in_{name}": TensorSpec(f"in_{name}", name, (-1, 2)) for name in NUMPY if name in v2_json.ASKED}
OUTPUTS = {"out_FP32": TensorSpec("out_FP32", "FP32", (-1, 2))}
LIMITS = Limits(json_bytes=1 << 16, elements=1000)
_WANTS = Outputs(OUTPUTS)
MODELS = [
    (
        inputs,
        Reader(inputs, OUTPUTS, LIMITS),
        Quick(inputs, _WANTS, LIMITS.elements),
        Careful(inputs, _WANTS, LIMITS.elements),
    )
    for inputs in (ALONE, ALL)
]
SEEDS = [case.body for case in v2_json.cases() if case.body is not None and len(case.body) < 4096]


def one(data: bytes) -> None:
    """Read one body for a model of one input, and for one of six."""
    for inputs, reader, quick, careful in MODELS:
        try:
            check(reader.read(data), inputs)
        except RequestFault as fault:
            if fault.status not in (400, 413) or not fault.message:
                raise AssertionError("another refusal than a request's") from fault
        _agree(data, quick, careful)


def check(request: InferRequest, inputs: dict[str, TensorSpec]) -> None:
    """A request that was taken fits the model."""
    assert request.inputs.keys() == inputs.keys()
    for name, array in request.inputs.items():
        assert array.dtype == dtype_of(inputs[name].datatype)
        assert fits(array.shape, inputs[name])
        assert array.flags.aligned
        array.tolist()
    assert set(request.outputs or ()) <= OUTPUTS.keys()
    assert set(request.binary) <= OUTPUTS.keys()


def _agree(data: bytes, quick: Quick, careful: Careful) -> None:
    try:
        found = quick.read(data)
    except RequestFault:
        return
    if found is not None:
        other = finish(careful.read(data, None))
        assert all(np.array_equal(array, other.inputs[name]) for name, array in found.inputs.items())
