"""An input or output as an ONNX file declares it, as the V2 tensor that a client sees.

ValueInfoProto  name = 1, type = 2
TypeProto       tensor_type = 1 (elem_type = 1, shape = 2 (dim = 1)), sequence_type = 4 (elem_type = 1),
                map_type = 5 (value_type = 2)
Dimension       dim_value = 1; without it any length fits
"""

from __future__ import annotations

import mmap

from moorage_runtime import protobuf
from moorage_runtime.config import Tensor

_DATATYPES = {
    1: "FP32",
    2: "UINT8",
    3: "INT8",
    4: "UINT16",
    5: "INT16",
    6: "INT32",
    7: "INT64",
    8: "BYTES",
    9: "BOOL",
    10: "FP16",
    11: "FP64",
    12: "UINT32",
    13: "UINT64",
    16: "BF16",
}
_TENSOR, _SEQUENCE, _MAP = 1, 4, 5

Shape = tuple[int, ...] | None


def read(content: mmap.mmap, start: int, end: int) -> Tensor:
    """The value's name, datatype ("" for what is no tensor) and shape. Raises ValueError or IndexError: no protobuf."""
    datatype, shape = "", None
    for at, to in protobuf.parts(content, start, end, 2):
        datatype, shape = _type(content, at, to)
    return Tensor(protobuf.text(content, start, end, 1), datatype, shape)


def _type(content: mmap.mmap, start: int, end: int) -> tuple[str, Shape]:
    for number, kind, at, to in protobuf.fields(content, start, end):
        if kind != protobuf.BYTES:
            continue
        if number == _TENSOR:
            return _tensor(content, at, to)
        if number == _SEQUENCE:
            return _sequence(content, at, to)
    return "", None


def _tensor(content: mmap.mmap, start: int, end: int) -> tuple[str, Shape]:
    element = max(protobuf.numbers(content, start, end, 1), default=0)
    shape: Shape = None
    for at, to in protobuf.parts(content, start, end, 2):
        shape = tuple(_length(content, *dim) for dim in protobuf.parts(content, at, to, 1))
    return _DATATYPES.get(element, ""), shape


def _length(content: mmap.mmap, start: int, end: int) -> int:
    told = max(protobuf.numbers(content, start, end, 1), default=-1)
    return told if told >= 0 else -1


def _sequence(content: mmap.mmap, start: int, end: int) -> tuple[str, Shape]:
    """Maps, a row each, are served as a table; tensors are put on top of each other."""
    for at, to in protobuf.parts(content, start, end, 1):
        for number, kind, inner, inner_end in protobuf.fields(content, at, to):
            if number == _TENSOR and kind == protobuf.BYTES:
                return _tensor(content, inner, inner_end)[0], (-1,)
            if number == _MAP and kind == protobuf.BYTES:
                values = [_type(content, *span) for span in protobuf.parts(content, inner, inner_end, 2)]
                return (values[0][0] if values else ""), (-1, -1)
    return "", None
