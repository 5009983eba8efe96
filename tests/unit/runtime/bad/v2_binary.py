"""Bad V2 requests with binary tensors, to the model of `identities` with the inputs FP32, BOOL and BYTES."""

from __future__ import annotations

import gzip
import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any

from tests.unit.runtime.bad.case import Case
from tests.unit.runtime.bad.v2_json import ASKED, tensor

HEADER = "Inference-Header-Content-Length"
FLOATS = struct.pack("<2f", 1, 2)
TEXTS = struct.pack("<I2sI", 2, b"hi", 0)
OTHERS = [tensor(datatype) for datatype in ASKED if datatype not in ("FP32", "BYTES")]


def blob(datatype: str, size: Any, /, **changes: Any) -> dict[str, Any]:
    return tensor(datatype, data=..., parameters={"binary_data_size": size}, **changes)


def packed(*inputs: dict[str, Any], tail: bytes = FLOATS + TEXTS, **more: Any) -> tuple[bytes, int]:
    head = json.dumps({"inputs": [*inputs, *OTHERS]} | more).encode()
    return head + tail, len(head)


FP32, BYTES = blob("FP32", 8), blob("BYTES", 10)
GOOD, LENGTH = packed(FP32, BYTES)

LENGTHS = [
    "", " ", "-1", "+10", "1.0", "1e2", "0x10", "ten", "\u0661", "1 2", "1,2", "0", "1", "9" * 30,
    str(2**31), str(2**63), str(LENGTH - 1), str(LENGTH + 1), str(LENGTH + 8), str(LENGTH + 17), str(LENGTH + 19),
]  # fmt: skip
SIZES: list[Any] = [
    -1, 0, 1, 4, 7, 9, 12, 16, 18, 19, 2**31, 2**32, 2**32 + 8, 2**63 - 1, 2**63, 2**64 + 8, 10**40, -(2**63),
    8.0, 8.5, "8", "", True, False, None, [8], {"size": 8},
]  # fmt: skip
TEXT_TAILS = {
    "nothing": b"",
    "half a length": b"\2\0",
    "a length alone": struct.pack("<I", 2),
    "one text of two": struct.pack("<I2s", 2, b"hi"),
    "a text too many": TEXTS + struct.pack("<I", 0),
    "a byte too many": TEXTS + b"x",
    "a text cut off": struct.pack("<I1sI", 2, b"h", 0),
    "a length past the end": struct.pack("<I2sI", 3000, b"hi", 0),
    "a length of 2^31": struct.pack("<I2sI", 2**31, b"hi", 0),
    "a length of 2^32 - 1": struct.pack("<I2sI", 2**32 - 1, b"hi", 0),
    "a length that wraps": struct.pack("<I2sI", 2**32 - 4, b"hi", 0),
    "a length with its bytes swapped": struct.pack(">I2sI", 2, b"hi", 0),
    "no UTF-8": struct.pack("<I2sI", 2, b"\xff\xfe", 0),
    "half a character": struct.pack("<I1sI", 1, b"\xc3", 0),
    "an encoded surrogate": struct.pack("<I3sI", 3, b"\xed\xa0\x80", 0),
    "an overlong slash": struct.pack("<I2sI", 2, b"\xc0\xaf", 0),
}


def cases() -> Iterator[Case]:
    for told in LENGTHS:
        yield Case(f"length {told[:30]!a}", GOOD, headers={HEADER: told.encode().decode("latin-1")})
    yield Case("no length", GOOD)
    yield Case("length of all", GOOD, headers={HEADER: str(len(GOOD))})
    yield Case("two lengths", GOOD, headers={HEADER: f"{LENGTH}, {LENGTH}"})
    for size in SIZES:
        yield _case(f"size {str(size)[:30]!a}", packed(blob("FP32", size), BYTES))
    for name, tail in TEXT_TAILS.items():
        yield _case(f"text: {name}", packed(FP32, blob("BYTES", len(tail)), tail=FLOATS + tail))
    for shape in ([2, 2], [1, 3], [0, 2], [-1, 2], [2**61, 2], [2**62, 2], [2**63, 2], [2**64, 2], [1], [], [1, 2, 1]):
        yield _case(f"shape {shape}", packed(blob("FP32", 8, shape=shape), BYTES))
        yield _case(f"text shape {shape}", packed(FP32, blob("BYTES", 10, shape=shape)))
    yield from _wholes()
    yield from _compressed()


def _case(name: str, body: tuple[bytes, int], *statuses: int, **headers: str) -> Case:
    return Case(name, body[0], statuses or (400,), headers={HEADER: str(body[1])} | headers)


def _wholes() -> Iterator[Case]:
    yield _case("good", (GOOD, LENGTH), 200)
    yield _case("the order of the blobs is that of the inputs", packed(BYTES, FP32), 400)
    yield _case("the other order", packed(BYTES, FP32, tail=TEXTS + FLOATS), 200)
    yield _case("no blobs", packed(FP32, BYTES, tail=b""))
    yield _case("one blob", packed(FP32, BYTES, tail=FLOATS))
    yield _case("a blob twice", packed(FP32, BYTES, tail=FLOATS + FLOATS + TEXTS))
    yield _case("a blob nobody announced", packed(FP32, BYTES, tail=FLOATS + TEXTS + b"\0"))
    yield _case("a megabyte nobody announced", packed(FP32, BYTES, tail=FLOATS + TEXTS + bytes(2**20)))
    yield _case("only blobs", (FLOATS + TEXTS, 0))
    yield _case("only a head", packed(tensor("FP32"), tensor("BYTES"), tail=b""), 200)
    yield _case("data and a size", packed(tensor("FP32", parameters={"binary_data_size": 8}), BYTES))
    yield _case("null data and a size", packed(tensor("FP32", data=None, parameters={"binary_data_size": 8}), BYTES))
    yield _case("another datatype of the same size", packed(FP32 | {"datatype": "INT32"}, BYTES))
    yield _case("an input twice", packed(FP32, FP32, BYTES, tail=FLOATS + FLOATS + TEXTS))
    yield _case(
        "an unknown input", packed(FP32, BYTES, blob("FP32", 8) | {"name": "more"}, tail=FLOATS + TEXTS + FLOATS)
    )
    yield _case("a BOOL of 2", _of_bools(b"\2\0"))
    yield _case("a BOOL of 255", _of_bools(b"\0\xff"))
    yield _case("good BOOLs", _of_bools(b"\0\1"), 200)
    yield _case(
        "NaN and infinity", packed(FP32, BYTES, tail=struct.pack("<2f", float("nan"), float("inf")) + TEXTS), 200
    )
    yield _case("signalling NaN", packed(FP32, BYTES, tail=b"\1\0\x80\x7f" * 2 + TEXTS), 200)
    yield _case(
        "classification", packed(FP32, BYTES, outputs=[{"name": "out_FP32", "parameters": {"classification": 1}}])
    )
    yield _case("all outputs binary", packed(FP32, BYTES, parameters={"binary_data_output": True}), 200)
    yield _case("shared memory", packed(tensor("FP32", data=..., parameters={
        "shared_memory_region": "r", "shared_memory_byte_size": 8}), BYTES))  # fmt: skip
    yield Case("a head of 5 MiB", b" " * (5 << 20) + GOOD, (413,), headers={HEADER: str((5 << 20) + LENGTH)})
    yield _case(
        "too many elements", packed(FP32, BYTES, blob("INT8", 2**25, shape=[2**24, 2]), tail=bytes(2**25)), 400, 413
    )


def _of_bools(content: bytes) -> tuple[bytes, int]:
    return _only(blob("BOOL", 2), content)


def _only(binary: dict[str, Any], content: bytes) -> tuple[bytes, int]:
    """A request of which one input is binary."""
    others = (tensor(each) for each in ASKED if each != binary["datatype"])
    head = json.dumps({"inputs": [binary, *others]}).encode()
    return head + content, len(head)


def _compressed() -> Iterator[Case]:
    squeezed = gzip.compress(GOOD)
    told = {HEADER: str(LENGTH), "Content-Encoding": "gzip"}
    yield Case("gzip", squeezed, (200,), headers=told)
    yield Case("deflate", zlib.compress(GOOD), (200,), headers=told | {"Content-Encoding": "deflate"})
    yield Case("gzip cut off", squeezed[:-9], headers=told)
    yield Case("gzip that is none", GOOD, headers=told)
    yield Case("gzip of noise", squeezed[:20] + bytes(40), headers=told)
    yield Case("gzip of a gigabyte", gzip.compress(bytes(2**27), 1), (413,), headers=told)
    yield Case("gzip twice", gzip.compress(squeezed), (400,), headers=told)
    yield Case("gzip in gzip, as told", gzip.compress(squeezed), (400, 415), headers=told | {
        "Content-Encoding": "gzip, gzip"})  # fmt: skip
    yield Case("brotli", squeezed, (415,), headers=told | {"Content-Encoding": "br"})
    yield Case("an unknown coding", squeezed, (415,), headers=told | {"Content-Encoding": "lzma"})
