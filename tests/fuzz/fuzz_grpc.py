"""The gRPC request, read by hand: as google.protobuf reads it, or refused; and what is taken fits the model."""

from __future__ import annotations

from google.protobuf.message import DecodeError
from tests.fuzz.fuzz_v2_json import ALL, OUTPUTS
from tests.unit.runtime.bad.v2_json import GOOD
from tests.unit.runtime.grpc import messages
from tests.unit.runtime.grpc.test_grpc_request import REFUSED

from moorage_runtime.codecs import grpc_request
from moorage_runtime.codecs.grpc_request import Envelope, Head
from moorage_runtime.errors import RequestFault
from moorage_runtime.tensors import TensorSpec, dtype_of, fits

ELEMENTS = 1000
TYPED = {name: ALL[name] for name in ("in_FP32", "in_INT8", "in_UINT64", "in_BOOL", "in_BYTES")}
MODELS = (TYPED, {"x": TensorSpec("x", "FP32", (-1, 2))})
_FIELDS = {"FP32": "fp32", "INT8": "int", "UINT64": "uint64", "BOOL": "bool", "BYTES": "bytes"}


def _typed(datatype: str) -> dict[str, object]:
    values = [value.encode() if isinstance(value, str) else value for value in GOOD[datatype]]
    contents = {f"{_FIELDS[datatype]}_contents": values}
    return {"name": f"in_{datatype}", "datatype": datatype, "shape": [1, 2], "contents": contents}


_MODEL: dict[str, object] = {"model_name": "fraud", "model_version": "3", "id": "7"}
SEEDS: list[bytes] = [
    messages.make("ModelInferRequest", **_MODEL, inputs=[_typed(name) for name in _FIELDS]).SerializeToString(),
    messages.make(
        "ModelInferRequest",
        **_MODEL,
        inputs=[{"name": "x", "datatype": "FP32", "shape": [1, 2]}],
        outputs=[{"name": "out_FP32", "parameters": {"a": {"bool_param": True}}}],
        raw_input_contents=[bytes(8)],
        parameters={"p": {"double_param": 1.5}, "q": {"uint64_param": 2**64 - 1}, "r": {"int64_param": -1}},
    ).SerializeToString(),
    *(each if isinstance(each, bytes) else each.SerializeToString() for each, _ in REFUSED),
]
SEEDS = [seed for seed in SEEDS if len(seed) < 4096]


def one(data: bytes) -> None:
    """Take one message apart, compare, and read its tensors for each model."""
    try:
        envelope = grpc_request.unpack(data)
        head = grpc_request.read_head(envelope.head)
    except RequestFault as fault:
        _check(fault)
        return
    _compare(data, envelope, head)
    for specs in MODELS:
        try:
            grpc_request.check(head, specs, OUTPUTS, ELEMENTS)
            arrays = grpc_request.tensors(data, envelope, head)
        except RequestFault as fault:
            _check(fault)
            continue
        assert arrays.keys() == specs.keys()
        for name, array in arrays.items():
            assert array.dtype == dtype_of(specs[name].datatype)
            assert fits(array.shape, specs[name])
            assert array.size <= ELEMENTS


def _check(fault: RequestFault) -> None:
    assert fault.status in (400, 413), fault
    assert fault.message


def _compare(data: bytes, envelope: Envelope, head: Head) -> None:
    try:
        theirs = messages.read("ModelInferRequest", data)
    except DecodeError:
        return  # theirs is stricter with groups and with messages that we step over
    assert (envelope.id, head.model, head.version or "") == (theirs.id, theirs.model_name, theirs.model_version)
    assert [data[start:stop] for start, stop in envelope.raws] == list(theirs.raw_input_contents)
    assert [each.name for each in head.inputs] == [each.name for each in theirs.inputs]
    assert [each.shape for each in head.inputs] == [tuple(each.shape) for each in theirs.inputs]
