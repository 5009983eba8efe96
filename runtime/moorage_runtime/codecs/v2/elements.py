"""The elements of one tensor as JSON text."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import msgspec
import numpy as np

from moorage_runtime.codecs.v2.request import invalid, malformed
from moorage_runtime.tensors import Array, dtype_of

ELEMENTS: dict[str, type] = {"BOOL": bool, "BYTES": str, "FP16": float, "FP32": float, "FP64": float}
NO_JSON = frozenset({"BF16"})
_WHITE = b" \t\r\n"
_encode = msgspec.json.Encoder().encode


def read(raw: msgspec.Raw, datatype: str, shape: tuple[int, ...], path: str) -> Array:
    """Elements, flat or nested, as an array of exactly this datatype and shape.

    Raises `RequestFault` 400 whose message starts with `path`.
    """
    if datatype in NO_JSON:
        raise invalid(f"{path}: {datatype} has no JSON form, send it as a binary tensor")
    array = _array(raw, datatype, len(shape) if is_nested(raw) else 1, path)
    if array.ndim > 1 and array.shape != shape and array.size:
        raise invalid(f"{path}: nested as {list(array.shape)}, the shape says {list(shape)}")
    if array.size != math.prod(shape):
        raise invalid(f"{path}: {array.size} elements, the shape {list(shape)} needs {math.prod(shape)}")
    return shaped(array, shape, path)


def _array(raw: msgspec.Raw, datatype: str, depth: int, path: str) -> Array:
    try:
        data = _decoder(datatype, depth)(raw)
        with np.errstate(over="raise"):
            return np.array(data, dtype_of(datatype))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise malformed(error, path) from error
    except (OverflowError, FloatingPointError) as error:
        raise invalid(f"{path}: a number does not fit {datatype}") from error
    except ValueError as error:
        raise invalid(f"{path}: the rows differ in length") from error


def shaped(array: Array, shape: tuple[int, ...], path: str) -> Array:
    """The array in another shape of the same size. Raises `RequestFault` 400 for a shape that no array can have."""
    try:
        return array.reshape(shape)
    except ValueError as error:
        raise invalid(f"{path}: no tensor can have the shape {list(shape)}") from error


def is_nested(raw: msgspec.Raw) -> bool:
    """Whether the first element is a list."""
    start = bytes(memoryview(raw)[:64]).lstrip(_WHITE)[1:].lstrip(_WHITE)
    return start[:1] == b"["


@cache
def _decoder(datatype: str, depth: int) -> Any:
    kind: Any = ELEMENTS.get(datatype, int)
    for _ in range(depth):
        kind = list[kind]
    return msgspec.json.Decoder(kind).decode


def write(array: Array) -> bytes:
    """Elements as a flat JSON list, row-major; what is no number is `null`."""
    data = array.tolist() if array.ndim == 1 else array.ravel().tolist()
    if array.dtype.kind in "OSU":
        data = [item.decode(errors="replace") if isinstance(item, bytes) else str(item) for item in data]
    return _encode(data)
