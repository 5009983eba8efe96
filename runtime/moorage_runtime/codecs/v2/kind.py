"""Makes the arrays of one input, quickly: whatever does not fit at once gives None, and a careful reader has a look."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np

from moorage_runtime.codecs.v2.blobs import Body
from moorage_runtime.tensors import Array, TensorSpec, dtype_of

# As `struct` names them. Its floats refuse what is too large for them; numpy's make infinities of it.
_CODES = {
    "BOOL": "?",
    "UINT8": "B",
    "UINT16": "H",
    "UINT32": "I",
    "UINT64": "Q",
    "INT8": "b",
    "INT16": "h",
    "INT32": "i",
    "INT64": "q",
    "FP16": "e",
    "FP32": "f",
    "FP64": "d",
}
# Of these, not any bytes are an element.
_CHECKED = frozenset({"BOOL", "BYTES"})
_PACKERS = 64


class Kind:
    """`json`, `binary`: whether data of that form can be taken here at all."""

    __slots__ = ("_code", "_dtype", "_packers", "binary", "json", "name")

    def __init__(self, spec: TensorSpec) -> None:
        self.name = spec.name
        self.json = spec.datatype in _CODES or spec.datatype == "BYTES"
        self.binary = spec.datatype not in _CHECKED
        self._code = _CODES.get(spec.datatype)
        self._dtype = dtype_of(spec.datatype)
        self._packers: dict[int, Callable[..., bytes]] = {}

    def flat(self, shape: tuple[int, ...], data: list[Any]) -> Array | None:
        """The array of a flat list of elements of the right type."""
        count = len(data)
        if math.prod(shape) != count or not count:
            return None
        if self._code is None:
            return np.array(data, self._dtype).reshape(shape)
        try:
            return np.ndarray(shape, self._dtype, (self._packers.get(count) or self._packer(count))(*data))
        except (struct.error, OverflowError):
            return None

    def nested(self, shape: tuple[int, ...], rows: list[list[Any]]) -> Array | None:
        """The array of a list of rows."""
        count, width = shape
        if len(rows) != count or any(len(row) != width for row in rows):
            return None
        return self.flat(shape, rows[0] if count == 1 else list(chain.from_iterable(rows)))

    def blob(self, body: Body, at: int, size: int, shape: tuple[int, ...]) -> Array | None:
        """The array in `size` bytes of the body from `at` on, in place where the processor can read it there."""
        if not size or math.prod(shape) * self._dtype.itemsize != size or at + size > len(body):
            return None
        array: Array = np.ndarray(shape, self._dtype, body, at)
        return array if array.flags.aligned else array.copy()

    def _packer(self, count: int) -> Callable[..., bytes]:
        if len(self._packers) >= _PACKERS:
            self._packers.clear()
        packer = self._packers[count] = struct.Struct(f"<{count}{self._code}").pack
        return packer
