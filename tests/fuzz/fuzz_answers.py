"""Answers of another version: any bytes are read back or not; what is read is the same as itself, and can be shown."""

from __future__ import annotations

import numpy as np
from tests.unit.runtime.grpc import messages

from moorage_runtime.comparing.finding import READERS, Kind, compare
from moorage_runtime.comparing.told import Naming, Unreadable
from moorage_runtime.config import Compare
from moorage_runtime.routing.hooks import Reply

RULES = (Compare(), Compare(tolerance=0.0, top_k=1), Compare(outputs=("y",)))
NAMING = Naming("y", "y", "y")
_BINARY = b'{"outputs":[{"name":"y","datatype":"INT16","shape":[2],"parameters":{"binary_data_size":4}}]}'
_OUTPUT = {"name": "y", "datatype": "FP32", "shape": [1, 2]}
# The first byte says how much of an answer of V2 is JSON: ten times as many bytes, zero for all.
SEEDS: tuple[bytes, ...] = (
    b'\0{"outputs":[{"name":"y","datatype":"FP32","shape":[1,2],"data":[1.0,null]}]}',
    b'\0{"outputs":[{"name":"y","datatype":"BYTES","shape":[2],"data":["a","\\u0000"]},{"name":"z","datatype":"UINT64"'
    b',"shape":[1],"data":[18446744073709551615]},{"name":"b","datatype":"BOOL","shape":[],"data":true}]}',
    b"\x0a" + _BINARY + b" " * (100 - len(_BINARY)) + b"\x01\x00\x02\x00",
    b'\0{"predictions":[{"a":1,"b":[1.5,2]},{"a":null,"b":[3,4]}]}',
    b'\0{"outputs":{"y":[[true],[false]],"z":["a",{"b64":"/w=="}]}}',
    b'\0{"prediction":"a","probabilities":{"a":0.5,"b":0.5},"confidence":0.5,"outputs":{"z":[1,2]},"requestId":"r"}',
    b'\0{"predictions":[{"prediction":{"y":1,"z":2}},{"prediction":{"y":1,"z":2}}]}',
    b'\0{"predictions":' + b"[" * 500 + b"]" * 500 + b"}",
    b"\0" + messages.make("ModelInferResponse", outputs=[_OUTPUT], raw_output_contents=[bytes(8)]).SerializeToString(),
    b"\0"
    + messages.make(
        "ModelInferResponse", outputs=[_OUTPUT | {"contents": {"fp32_contents": [1.0, 2.0]}}]
    ).SerializeToString(),
    b"\0",
)


OWN = {"v2": SEEDS[0], "v1": SEEDS[4], "features": SEEDS[5], "grpc": SEEDS[8]}


def one(data: bytes) -> None:
    """Read it at every door; compare what it says with itself, and with what the own model would say."""
    reply = _reply(data)
    for door, read in READERS.items():
        for rule in RULES:
            assert compare(door, reply, reply, rule, NAMING).kind is not Kind.DIFFERS
            found = compare(door, reply, _reply(OWN[door]), rule, NAMING)
            assert found.kind is not Kind.INCOMPARABLE
            assert found.words.isprintable()
            assert (found.kind is Kind.SAME) == (not found.words)
        try:
            tensors = read(reply, NAMING)
        except Unreadable:
            continue
        assert all(isinstance(tensor.array, np.ndarray) for tensor in tensors)


def _reply(data: bytes) -> Reply:
    headers = {b"content-type": b"application/json"}
    if data[:1] > b"\0":
        headers[b"inference-header-content-length"] = b"%d" % (10 * data[0])
    return Reply(200, headers, data[1:], 0.0)
