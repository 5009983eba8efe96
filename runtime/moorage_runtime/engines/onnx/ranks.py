"""Inputs without a rank. ONNX Runtime calls them scalars; only the model file tells the two apart.

A few fields of the file's protocol buffers are walked by hand, as the library that reads them all is 30 MiB large.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

_GRAPH = 7  # ModelProto.graph
_INPUT = 11  # GraphProto.input
_NAME, _TYPE = 1, 2  # of a ValueInfoProto
_TENSOR_TYPE = 1  # TypeProto.tensor_type
_SHAPE = 2  # of its Tensor
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5


def without_rank(model_file: Path) -> frozenset[str]:
    """The names of the tensor inputs whose shape the file leaves out altogether; none when it cannot be walked."""
    try:
        with model_file.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            return _walk(memoryview(mapped))
    except (ValueError, OSError):
        return frozenset()


def _walk(model: memoryview) -> frozenset[str]:
    with model:
        return frozenset(
            name for graph in _fields(model, _GRAPH) for value in _fields(graph, _INPUT) for name in _rankless(value)
        )


def _rankless(value: memoryview) -> Iterator[str]:
    tensors = [tensor for kind in _fields(value, _TYPE) for tensor in _fields(kind, _TENSOR_TYPE)]
    if tensors and not any(True for tensor in tensors for _ in _fields(tensor, _SHAPE)):
        yield from (bytes(name).decode(errors="replace") for name in _fields(value, _NAME))


def _fields(message: memoryview, wanted: int) -> Iterator[memoryview]:
    """The contents of the length-delimited fields of this number. Raises ValueError where the message is none."""
    at = 0
    while at < len(message):
        tag, at = _number(message, at)
        length, at = _length_of(message, at, tag & 7)
        if at + length > len(message):
            raise ValueError("a field that ends beyond its message")
        if tag >> 3 == wanted and tag & 7 == _LENGTH:
            yield message[at : at + length]
        at += length


def _length_of(message: memoryview, at: int, kind: int) -> tuple[int, int]:
    if kind == _LENGTH:
        return _number(message, at)
    if kind == _VARINT:
        return 0, _number(message, at)[1]
    if kind in (_FIXED32, _FIXED64):
        return 4 if kind == _FIXED32 else 8, at
    raise ValueError("a field of no known kind")


def _number(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            break
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number without end")
