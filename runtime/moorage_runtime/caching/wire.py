"""Outputs as bytes, for a store outside this process: a byte that tells the format, then MessagePack.

What comes back may be of another release, or of somebody else: whatever is not exactly such a document is no answer.
"""

from __future__ import annotations

from math import prod
from typing import Any

import msgspec
import numpy as np

from moorage_runtime.caching.store import Outputs, read_only
from moorage_runtime.tensors import Array, datatype_of, dtype_of

_FORMAT = b"\x01"


class _Tensor(msgspec.Struct, array_like=True, frozen=True):
    """`data`: the elements' bytes in row-major order, or, for BYTES, the list of the texts."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    data: Any


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[_Tensor, ...]).decode


def dump(outputs: Outputs) -> bytes:
    """The outputs in their order. Raises ValueError or TypeError for what cannot be told exactly."""
    return _FORMAT + _encode([_told(name, array) for name, array in outputs.items()])


def parse(raw: bytes) -> Outputs | None:
    """The outputs, or None when the bytes are none."""
    if raw[:1] != _FORMAT:
        return None
    try:
        tensors = _decode(memoryview(raw)[1:])
        outputs = {tensor.name: _array(tensor) for tensor in tensors}
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    return read_only(outputs) if outputs and len(outputs) == len(tensors) else None


def _told(name: str, array: Array) -> _Tensor:
    datatype = datatype_of(array)
    data = [_text(element) for element in array.ravel().tolist()] if datatype == "BYTES" else array.tobytes()
    return _Tensor(name, datatype, array.shape, data)


def _text(element: object) -> str | bytes:
    if isinstance(element, str | bytes):
        return element
    raise TypeError


def _array(tensor: _Tensor) -> Array:
    if min(tensor.shape, default=0) < 0:
        raise ValueError
    if tensor.datatype != "BYTES":
        if not isinstance(tensor.data, bytes):
            raise TypeError
        return np.frombuffer(tensor.data, dtype_of(tensor.datatype)).reshape(tensor.shape)
    if not isinstance(tensor.data, list) or len(tensor.data) != prod(tensor.shape):
        raise TypeError
    flat = np.empty(len(tensor.data), np.object_)
    flat[:] = [_text(element) for element in tensor.data]
    return flat.reshape(tensor.shape)
