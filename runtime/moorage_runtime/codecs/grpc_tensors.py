"""Tensors as the V2 gRPC carries them: raw bytes, or typed contents."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moorage_runtime.codecs import grpc_wire as wire
from moorage_runtime.errors import RequestFault
from moorage_runtime.tensors import Array, datatype_of, dtype_of

INVALID = "InvalidRequest"
# A list of every packed number is one field; fields of one number each are for the few that clients once made so.
_MOST_FIELDS = 1 << 16
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


def invalid(message: str) -> RequestFault:
    """The refusal of a message that can be read and says something wrong."""
    return RequestFault(400, INVALID, message)


def read_raw(data: bytes, span: wire.Span, datatype: str, shape: tuple[int, ...], path: str) -> Array:
    """The tensor whose raw bytes lie in `data`; numbers are looked at where they lie, read-only.

    Raises `RequestFault` 400 starting with `path`.
    """
    start, stop = span
    if datatype == "BYTES":
        return _text_array(list(_raw_texts(data, start, stop, math.prod(shape), path)), shape, path)
    dtype = dtype_of(datatype)
    wanted = math.prod(shape) * dtype.itemsize
    if stop - start != wanted:
        raise invalid(f"{path}: {stop - start} bytes, {datatype} of shape {list(shape)} needs {wanted}")
    array = _view(data, start, dtype, shape)
    if datatype == "BOOL" and array.view(np.uint8).max(initial=0) > 1:
        raise invalid(f"{path}: BOOL is a byte of 0 or 1")
    return array


def _view(data: bytes, start: int, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    array: Array = np.ndarray(shape, dtype, data, start)
    # Compiled loops may trust a number to lie at a multiple of its size.
    return array if array.flags.aligned else array.copy()


def _raw_texts(data: bytes, at: int, stop: int, count: int, path: str) -> Iterator[str]:
    for index in range(count):
        start = at + 4
        at = start + int.from_bytes(data[at:start], "little")
        if at > stop:
            raise invalid(f"{path}: ends within element {index}; each has its length in four bytes before it")
        yield _text(data[start:at], index, path)
    if at != stop:
        raise invalid(f"{path}: more than the {count} elements that the shape needs")


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
    return array.reshape(shape)


def raw(array: Array) -> bytes:
    """The raw bytes of a tensor."""
    if array.dtype.kind in "OSU":
        parts = [_bytes(item) for item in array.ravel().tolist()]
        return b"".join(len(part).to_bytes(4, "little") + part for part in parts)
    return array.tobytes()


def _bytes(item: object) -> bytes:
    return item if isinstance(item, bytes) else str(item).encode()


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
    return _narrowed(numbers, datatype, dtype, path).reshape(shape)


def _elements(data: bytes, spans: Sequence[wire.Span], datatype: str, path: str) -> Iterator[wire.Span]:
    number = _FIELD[datatype]
    for span in spans:
        for found, _, start, stop in wire.fields(data, *span):
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
    if len(spans) == 1:
        return _view(data, spans[0][0], dtype, shape)
    return np.frombuffer(b"".join(data[start:stop] for start, stop in spans), dtype).reshape(shape)


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
