"""The V2 reader on binary tensors: whatever is announced, a request fits the model, or is refused.

Of a case's bytes the first two say how long the JSON is, the rest is the body.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.fuzz.fuzz_v2_json import LIMITS, OUTPUTS, check
from tests.unit.runtime.bad import v2_binary, v2_json

from moorage_runtime.codecs.v2.careful import Careful
from moorage_runtime.codecs.v2.parameters import Outputs
from moorage_runtime.codecs.v2.reader import Reader
from moorage_runtime.codecs.v2.request import InferRequest
from moorage_runtime.codecs.v2.writer import Writer
from moorage_runtime.errors import RequestFault
from moorage_runtime.steps import finish
from moorage_runtime.tensors import Array, TensorSpec

WRITER = Writer("m", "1")
ALL = {f"in_{name}": TensorSpec(f"in_{name}", name, (-1, 2)) for name in v2_json.ASKED}
# Numbers alone are read by the compiled reader.
NUMBERS = {name: spec for name, spec in ALL.items() if spec.datatype in ("FP32", "INT8")}
MODELS = [
    (inputs, Reader(inputs, OUTPUTS, LIMITS), Careful(inputs, Outputs(OUTPUTS), LIMITS.elements))
    for inputs in (ALL, NUMBERS)
]


def _seed(body: bytes, told: str) -> bytes:
    return min(int(told), 0xFFFF).to_bytes(2, "little") + body


def _numbers(**changes: object) -> bytes:
    told = [
        v2_binary.blob("FP32", 8) | changes,
        v2_binary.blob("INT8", 2),
    ]
    head = json.dumps({"inputs": told, "parameters": {"binary_data_output": True}}).encode()
    return _seed(head + v2_binary.FLOATS + b"\x80\x7f", str(len(head)))


SEEDS = [
    _seed(case.body, case.headers[v2_binary.HEADER])
    for case in v2_binary.cases()
    if case.body is not None and len(case.body) < 4096 and case.headers.get(v2_binary.HEADER, "").isdecimal()
]
SEEDS += [
    _numbers(),
    _numbers(shape=[2, 2]),
    _numbers(data=[1]),
    _numbers(data=None),
    _numbers(parameters={"binary_data_size": 8, "shared_memory_region": None}),
    _numbers(parameters={"binary_data_size": 7}),
    _numbers(parameters={"binary_data_size": 0}, shape=[0, 2]),
]


def one(data: bytes) -> None:
    """Read one body for a model of every datatype and for one of numbers, and tell its tensors again."""
    length, body = int.from_bytes(data[:2], "little"), data[2:]
    for inputs, reader, careful in MODELS:
        try:
            request = reader.read(body, length)
        except RequestFault as fault:
            if fault.status not in (400, 413):
                raise AssertionError("another refusal than a request's") from fault
            continue
        check(request, inputs)
        if not _is_text(body[:length]):
            continue  # in the name of a parameter that nobody knows: the quick reader steps over it
        other = finish(careful.read(body, length))
        assert request == InferRequest(request.inputs, other.outputs, other.id, other.parameters, other.binary)
        assert _told(request.inputs) == _told(other.inputs)


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _told(inputs: Mapping[str, Array]) -> list[bytes]:
    forms = ((), tuple(inputs))
    return [WRITER.write(InferRequest({}, binary=binary), inputs)[0] for binary in forms]
