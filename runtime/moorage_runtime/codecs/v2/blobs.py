"""The elements of one tensor as bytes: little-endian, row-major, without gaps; text with its length in front."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from moorage_runtime.codecs.v2.elements import shaped
from moorage_runtime.codecs.v2.request import invalid
from moorage_runtime.tensors import Array, dtype_of

Body = bytes | bytearray | memoryview
_LENGTH_BYTES = 4
_PLAIN = "fiub"


def read(body: Body, start: int, size: int, datatype: str, shape: tuple[int, ...], path: str) -> Array:
    """The tensor in `size` bytes of the body from `start` on; numbers are looked at where they lie, read-only.

    Raises `RequestFault` 400 whose message starts with `path`.
    """
    if start + size > len(body):
        raise invalid(f"{path}: {size} bytes, but only {max(0, len(body) - start)} are left of the body")
    if datatype == "BYTES":
        return _texts(body, start, start + size, shape, path)
    dtype, count = dtype_of(datatype), math.prod(shape)
    if size != count * dtype.itemsize:
        raise invalid(f"{path}: {size} bytes, the shape {list(shape)} of {datatype} needs {count * dtype.itemsize}")
    if not count:
        return shaped(np.empty(0, dtype), shape, path)
    array: Array = np.ndarray(shape, dtype, body, start)
    if datatype == "BOOL" and array.view(np.uint8).max() > 1:
        raise invalid(f"{path}: a BOOL is a byte of 0 or 1")
    # Compiled loops may trust a number to lie at a multiple of its size; a JSON head of any length comes before it.
    return array if array.flags.aligned else array.copy()


def _texts(body: Body, start: int, stop: int, shape: tuple[int, ...], path: str) -> Array:
    count = math.prod(shape)
    if count * _LENGTH_BYTES > stop - start:
        raise invalid(f"{path}: {stop - start} bytes are too few for the {count} elements of the shape {list(shape)}")
    array: Array = np.empty(count, np.object_)
    at = start
    for index in range(count):
        at += _LENGTH_BYTES
        end = at + int.from_bytes(body[at - _LENGTH_BYTES : at], "little")
        if end > stop:
            raise invalid(f"{path}: element {index} is cut off; four bytes with its length come before each")
        array[index] = _text(body, at, end, index, path)
        at = end
    if at != stop:
        raise invalid(f"{path}: {stop - at} bytes follow the last of the {count} elements")
    return shaped(array, shape, path)


def _text(body: Body, start: int, stop: int, index: int, path: str) -> str:
    try:
        return str(body[start:stop], "utf-8")
    except UnicodeDecodeError as error:
        raise invalid(f"{path}: element {index} is no UTF-8 text") from error


def write(array: Array) -> tuple[Any, int]:
    """The tensor's bytes, and how many: the array itself where it has them as they are, else a copy or another view."""
    kind = array.dtype.kind
    if kind in _PLAIN and array.flags.c_contiguous:
        return array, array.nbytes
    if kind in "OSU":
        content = b"".join(_prefixed(array))
        return content, len(content)
    # A type that numpy does not know itself, such as bfloat16, has no buffer; its bytes have.
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8), array.nbytes


def _prefixed(array: Array) -> Iterator[bytes]:
    for item in array.ravel().tolist():
        content = item if isinstance(item, bytes) else str(item).encode(errors="replace")
        yield len(content).to_bytes(_LENGTH_BYTES, "little")
        yield content
