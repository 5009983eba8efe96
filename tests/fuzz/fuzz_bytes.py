"""One tensor's bytes: what is read fits its shape and writes back to the same bytes; all else is refused.

Of a case's bytes the first chooses the datatype, the second how many lengths of one byte follow, the rest is the data.
"""

from __future__ import annotations

import struct

from tests.unit.runtime.bad import v2_binary
from tests.unit.runtime.identities import DATATYPES

from moorage_runtime.codecs.v2 import blobs
from moorage_runtime.errors import RequestFault
from moorage_runtime.tensors import Array, dtype_of

NAMES = tuple(DATATYPES)
TEXT = NAMES.index("BYTES")
LONG = (0, 1, 2, 2**31, 2**32, 2**61, 2**62, 2**63 - 1)
SEEDS = [bytes((TEXT, 2, 1, 2)) + tail for tail in v2_binary.TEXT_TAILS.values()]
SEEDS += [bytes((at, 1, 1)) + bytes(range(8)) for at in range(len(NAMES))]
SEEDS += [bytes((at, 2, 2, 1)) + bytes(dtype_of(NAMES[at]).itemsize * 2) for at in range(len(NAMES)) if at != TEXT]
SEEDS += [
    bytes((TEXT, 1, 200)) + struct.pack("<I", 0) * 200,
    bytes((0, 3, 250, 251, 252)),
    bytes((TEXT, 3, 248, 255, 255)),
]


def one(data: bytes) -> None:
    """Read, and write again."""
    if len(data) < 2:
        return
    datatype, rank = NAMES[data[0] % len(NAMES)], data[1] % 34
    shape = tuple(LONG[length & 7] if length >= 248 else length for length in data[2 : 2 + rank])
    content = data[2 + rank :]
    try:
        array = blobs.read(content, 0, len(content), datatype, shape, "data")
    except RequestFault as fault:
        if fault.status != 400 or not fault.message.startswith("data: "):
            raise AssertionError("another refusal than a tensor's") from fault
        return
    assert array.shape == shape
    assert array.dtype == dtype_of(datatype)
    assert array.flags.aligned
    assert _written(array) == content


def _written(array: Array) -> bytes:
    written, size = blobs.write(array)
    content = written if isinstance(written, bytes) else written.tobytes()
    assert len(content) == size
    return content
