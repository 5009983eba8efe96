"""Tensors as the V2 gRPC carries them: raw bytes, or typed contents."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moorage_runtime.codecs import grpc_wire as wire
from moorage_runtime.codecs.v2 import blobs
from moorage_runtime.codecs.v2.elements import shaped
from moorage_runtime.codecs.v2.request import invalid
from moorage_runtime.errors import RequestFault
from moorage_runtime.tensors import Array, datatype_of, dtype_of

# A list of every packed number is one field; fields of one number each are for the few that clients once made so.
_MOST_FIELDS = 1 << 16
# Copying is cheaper than looking, up to about here.
SMALL = 8 << 10
_CONTENTS = (
    "bool_contents",
    "int_contents",
    "int64_contents",
    "uint_contents",
    "uint64_contents",
    "fp32_contents",
    "fp64_contents",
    "bytes_contents",
)
_FIELD = {
    "BOOL": 1,
    "INT8": 2,
    "INT16": 2,
    "INT32": 2,
    "INT64": 3,
    "UINT8": 4,
    "UINT16": 4,
    "UINT32": 4,
    "UINT64": 5,
    "FP32": 6,
    "FP64": 7,
    "BYTES": 8,
}
_BYTES_FIELD = 8
# How a number that is not packed is written; all others are varints.
_LONE = {6: wire.FIXED32, 7: wire.FIXED64, _BYTES_FIELD: wire.LENGTH}


def read_raw(data: bytes, span: wire.Span, datatype: str, shape: tuple[int, ...], path: str) -> Array:
    """The tensor whose raw bytes lie there in `data`; numbers are looked at where they lie, read-only.

    Raises `RequestFault` 400 starting with `path`.
    """
    return blobs.read(data, span[0], span[1] - span[0], datatype, shape, path)


def _text(content: bytes, index: int, path: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise invalid(f"{path}: element {index} is not UTF-8") from error


def _text_array(texts: Sequence[str], shape: tuple[int, ...], path: str) -> Array:
    if len(texts) != math.prod(shape):
        raise _miscounted(path, str(len(texts)), shape)
    array = np.empty(len(texts), np.object_)
    array[:] = texts
    return shaped(array, shape, path)


def raw(array: Array) -> tuple[Any, int]:
    """The raw bytes of a tensor, and how many: looked at where they lie, if they are many."""
    small = array.dtype.kind not in "OSU" and array.nbytes <= SMALL
    return (array.tobytes(), array.nbytes) if small else blobs.write(array)


def _bytes(item: object) -> bytes:
    return item if isinstance(item, bytes) else str(item).encode(errors="replace")


def read_contents(data: bytes, spans: Sequence[wire.Span], datatype: str, shape: tuple[int, ...], path: str) -> Array:
    """The tensor in these `contents` messages: more than one is read as one. Raises `RequestFault` 400."""
    if datatype not in _FIELD:
        raise invalid(f"{path}: {datatype} has no typed contents; send raw_input_contents")
    if datatype == "BYTES":
        return _text_array(list(_typed_texts(data, spans, math.prod(shape), path)), shape, path)
    found = []
    for span in _elements(data, spans, datatype, path):
        found.append(span)
        if len(found) > _MOST_FIELDS:
            raise invalid(f"{path}: more than {_MOST_FIELDS} fields; send packed numbers")
    dtype = dtype_of(datatype)
    if dtype.kind == "f":
        return _floats(data, found, dtype, shape, path)
    numbers = wire.read_varints(b"".join(data[start:stop] for start, stop in found), math.prod(shape))
    if numbers is None:
        raise _miscounted(path, "more or fewer", shape)
    return shaped(_narrowed(numbers, datatype, dtype, path), shape, path)


def _elements(data: bytes, spans: Sequence[wire.Span], datatype: str, path: str) -> Iterator[wire.Span]:
    number = _FIELD[datatype]
    for span in spans:
        for found, kind, start, stop in wire.fields(data, *span):
            if kind not in (wire.LENGTH, _LONE.get(found, wire.VARINT)):
                continue
            if found == number:
                yield start, stop
            elif found <= len(_CONTENTS) and start < stop:
                raise invalid(f"{path}: {_CONTENTS[found - 1]} is sent, {datatype} takes {_CONTENTS[number - 1]}")


def _typed_texts(data: bytes, spans: Sequence[wire.Span], count: int, path: str) -> Iterator[str]:
    for index, (start, stop) in enumerate(_elements(data, spans, "BYTES", path)):
        if index == count:
            raise invalid(f"{path}: more than the {count} elements that the shape needs")
        yield _text(data[start:stop], index, path)


def _floats(data: bytes, spans: Sequence[wire.Span], dtype: np.dtype[Any], shape: tuple[int, ...], path: str) -> Array:
    size = sum(stop - start for start, stop in spans)
    if size != math.prod(shape) * dtype.itemsize:
        raise _miscounted(path, str(size // dtype.itemsize), shape)
    if len(spans) != 1:
        data = b"".join(data[start:stop] for start, stop in spans)
        spans = [(0, size)]
    array = np.frombuffer(data, dtype, size // dtype.itemsize, spans[0][0])
    # As with raw bytes: compiled loops may trust a number to lie at a multiple of its size.
    return shaped(array if array.flags.aligned else array.copy(), shape, path)


def _narrowed(numbers: NDArray[np.uint64], datatype: str, dtype: np.dtype[Any], path: str) -> Array:
    if dtype.kind == "b":
        return np.not_equal(numbers, 0)
    wide: Array = numbers.view(np.int64) if dtype.kind == "i" else numbers
    if wide.size and dtype.itemsize < wide.itemsize:
        bounds = np.iinfo(dtype)
        if wide.min() < bounds.min or wide.max() > bounds.max:
            raise invalid(f"{path}: a number does not fit {datatype}")
    return wide.astype(dtype, copy=False)


def _miscounted(path: str, sent: str, shape: tuple[int, ...]) -> RequestFault:
    return invalid(f"{path}: {sent} elements, the shape {list(shape)} needs {math.prod(shape)}")


def typed(outputs: Mapping[str, Array]) -> bool:
    """Whether all these tensors can travel as typed contents: FP16 and BF16 cannot."""
    return all(datatype_of(array) in _FIELD for array in outputs.values())


def contents(array: Array) -> bytes:
    """The `InferTensorContents` message of a tensor that can be typed."""
    datatype = datatype_of(array)
    number = _FIELD[datatype]
    if number == _BYTES_FIELD:
        parts = (_bytes(item) for item in array.ravel().tolist())
        return b"".join(wire.lead(number, len(part)) + part for part in parts)
    if array.dtype.kind == "f":
        return wire.field(number, array.tobytes())
    wide = array.ravel().astype(np.int64 if array.dtype.kind == "i" else np.uint64)
    return wire.field(number, wire.varints(wide.view(np.uint64)))
