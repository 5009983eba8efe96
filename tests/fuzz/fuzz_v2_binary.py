"""The V2 reader on binary tensors: whatever is announced, a request fits the model, or is refused.

Of a case's bytes the first two say how long the JSON is, the rest is the body.
"""

from __future__ import annotations

from tests.fuzz.fuzz_v2_json import LIMITS, OUTPUTS, check
from tests.unit.runtime.bad import v2_binary, v2_json

from moorage_runtime.codecs.v2.reader import Reader
from moorage_runtime.codecs.v2.writer import Writer
from moorage_runtime.errors import RequestFault
from moorage_runtime.tensors import TensorSpec

INPUTS = {f"in_{name}": TensorSpec(f"in_{name}", name, (-1, 2)) for name in v2_json.ASKED}
READER, WRITER = Reader(INPUTS, OUTPUTS, LIMITS), Writer("m", "1")


def _seed(body: bytes, told: str) -> bytes:
    return min(int(told), 0xFFFF).to_bytes(2, "little") + body


SEEDS = [
    _seed(case.body, case.headers[v2_binary.HEADER])
    for case in v2_binary.cases()
    if case.body is not None and len(case.body) < 4096 and case.headers.get(v2_binary.HEADER, "").isdecimal()
]


def one(data: bytes) -> None:
    """Read one body, and tell its tensors again."""
    length, body = int.from_bytes(data[:2], "little"), data[2:]
    try:
        request = READER.read(body, length)
    except RequestFault as fault:
        if fault.status not in (400, 413):
            raise AssertionError("another refusal than a request's") from fault
        return
    check(request, INPUTS)
    for binary in ((), tuple(INPUTS)):
        told, told_length = WRITER.write(type(request)({}, binary=binary), request.inputs)
        assert (told_length is None) == (not binary)
        assert told
