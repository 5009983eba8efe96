"""The elements of one tensor as JSON text."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from itertools import chain
from typing import Any

import msgspec
import numpy as np

from moorage_runtime.codecs import numbers
from moorage_runtime.codecs.slices import SLICE_ELEMENTS, Body
from moorage_runtime.codecs.v2 import slices
from moorage_runtime.codecs.v2.request import invalid, malformed
from moorage_runtime.errors import RequestFault
from moorage_runtime.steps import Steps
from moorage_runtime.tensors import Array, dtype_of

ELEMENTS: dict[str, type] = {"BOOL": bool, "BYTES": str, "FP16": float, "FP32": float, "FP64": float}
NO_JSON = frozenset({"BF16"})
_GREAT = 64 << 10
_WHITE = b" \t\r\n"
_ROWS = 2
_encode = msgspec.json.Encoder().encode


def read(raw: msgspec.Raw | memoryview, datatype: str, shape: tuple[int, ...], path: str) -> Steps[Array]:
    """Elements, flat or nested, as an array of exactly this datatype and shape; a step for each of many slices.

    Raises `RequestFault` 400 whose message starts with `path`.
    """
    if datatype in NO_JSON:
        raise invalid(f"{path}: {datatype} has no JSON form, send it as a binary tensor")
    count = math.prod(shape)
    text = memoryview(raw)
    depth = len(shape) if is_nested(text) else 1
    if len(text) < _GREAT or not count:
        return _whole(text, datatype, shape, depth, path)
    yield
    if datatype == "BYTES":
        _glance(bytes(text), count, path)
        return _whole(text, datatype, shape, depth, path)
    found = yield from slices.commas(text)
    if found + 1 != count:
        raise invalid(f"{path}: {found + 1} elements, the shape needs {count}")
    if text[0] != ord("["):
        return _whole(text, datatype, shape, depth, path)
    decode = _slice_decoder(datatype, shape, depth, path)
    array: Array = np.empty(count, dtype_of(datatype))
    found = yield from slices.read(text, depth, array, decode)
    if found != count:
        raise _miscounted(found, shape, path)
    return shaped(array, shape, path)


def _slice_decoder(datatype: str, shape: tuple[int, ...], depth: int, path: str) -> Callable[[bytes, int], Array]:
    """Reads a part of the elements, flat, given how many came before."""
    dtype = dtype_of(datatype)
    plain = numbers.readable(dtype) and (depth == 1 or depth == len(shape) == 2)

    def decode(part: bytes, first: int) -> Array:
        array = numbers.read(part, dtype, depth) if plain else None
        if array is not None and (depth == 1 or array.shape[1] == shape[1]):
            return array.ravel()
        data = _decoded(part, datatype, depth, path, first // math.prod(shape[1:]) if depth > 1 else first)
        flat = _flat(data, (len(data), *shape[1:]), path) if depth > 1 else data
        return _array(flat, datatype, path)

    return decode


def _whole(raw: Body, datatype: str, shape: tuple[int, ...], depth: int, path: str) -> Array:
    data = _decoded(raw, datatype, depth, path)
    if depth > 1:
        data = _flat(data, shape, path)
    if len(data) != math.prod(shape):
        raise _miscounted(len(data), shape, path)
    return shaped(_array(data, datatype, path), shape, path)


def _decoded(raw: Body, datatype: str, depth: int, path: str, first: int = 0) -> list[Any]:
    """`first`: the place of the first element, for a message."""
    try:
        data: list[Any] = _decoder(datatype, depth)(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise malformed(error, path, first) from error
    return data


def _miscounted(found: int, shape: tuple[int, ...], path: str) -> RequestFault:
    return invalid(f"{path}: {found} elements, the shape {list(shape)} needs {math.prod(shape)}")


def _glance(text: bytes, count: int, path: str) -> None:
    """Far too many texts are seen before each becomes an object: of a text's own quotes each has a backslash."""
    found = (text.count(b'"') - text.count(b"\\")) // 2
    if found > count:
        raise invalid(f"{path}: at least {found} elements, the shape needs {count}")


def _flat(data: list[Any], shape: tuple[int, ...], path: str) -> list[Any]:
    """The elements of nested lists, which must be nested as the shape says; looked at before they cost anything."""
    found: list[int] = []
    first: Any = data
    while isinstance(first, list):
        found.append(len(first))
        first = first[0] if first else None
    if tuple(found) != shape[: len(found)]:
        raise invalid(f"{path}: nested as {found}, the shape says {list(shape)}")
    for length in shape[1:]:
        if any(len(row) != length for row in data):
            raise invalid(f"{path}: the rows differ in length")
        data = list(chain.from_iterable(data))
    return data


def _array(data: list[Any], datatype: str, path: str) -> Array:
    try:
        with np.errstate(over="raise"):
            return np.array(data, dtype_of(datatype))
    except (OverflowError, FloatingPointError) as error:
        raise invalid(f"{path}: a number does not fit {datatype}") from error


def shaped(array: Array, shape: tuple[int, ...], path: str) -> Array:
    """The array in another shape of the same size. Raises `RequestFault` 400 for a shape that no array can have."""
    try:
        return array.reshape(shape)
    except ValueError as error:
        raise invalid(f"{path}: no tensor can have the shape {list(shape)}") from error


def is_nested(text: memoryview) -> bool:
    """Whether the first element is a list."""
    start = bytes(text[:64]).lstrip(_WHITE)[1:].lstrip(_WHITE)
    return start[:1] == b"["


@cache
def _decoder(datatype: str, depth: int) -> Any:
    kind: Any = ELEMENTS.get(datatype, int)
    for _ in range(depth):
        kind = list[kind]
    return msgspec.json.Decoder(kind).decode


def write(array: Array) -> bytes:
    """Elements as a flat JSON list, row-major; what is no number is `null`."""
    return _encode(teller(array)(array))


def teller(array: Array) -> Callable[[Array], list[Any]]:
    """What gives the elements of arrays of this kind and shape as a flat list that can be encoded."""
    if array.dtype.kind in "OSU":
        return _texts
    if array.ndim == 1:
        return np.ndarray.tolist
    return _one_row if array.ndim == _ROWS and len(array) == 1 else _flattened


def _one_row(array: Array) -> list[Any]:
    row: list[Any] = array.tolist()[0]
    return row


def _flattened(array: Array) -> list[Any]:
    flat: list[Any] = array.ravel().tolist()
    return flat


def _texts(array: Array) -> list[str]:
    return [item.decode(errors="replace") if isinstance(item, bytes) else str(item) for item in _flattened(array)]


def write_in_parts(array: Array, parts: list[bytes]) -> Steps[None]:
    """The same as further `parts` of an answer, a step for each."""
    flat = array.ravel()
    parts.append(b"[")
    for at in range(0, flat.size, SLICE_ELEMENTS):
        text = write(flat[at : at + SLICE_ELEMENTS])
        parts.append(text[1:-1] if at == 0 else b",%b" % text[1:-1])
        yield
    parts.append(b"]")
