"""Models with BF16 tensors: ONNX Runtime's calls for numpy arrays know no such type, those for its own values do."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from moorage_runtime.tensors import Array, datatype_of, dtype_of

_ONNX_BFLOAT16 = 16
_ORT_BFLOAT16 = "tensor(bfloat16)"


class BfloatRun:
    """`session.run` for models that have BF16 inputs or outputs, and none of text."""

    def __init__(self, ort: Any, session: Any) -> None:
        self._values = ort.OrtValue
        self._session = session

    def __call__(self, names: Sequence[str], inputs: Mapping[str, Array], options: Any) -> list[Array]:
        """The named outputs, in that order."""
        given = {name: self._given(array) for name, array in inputs.items()}
        return [_taken(value) for value in self._session.run_with_ort_values(names, given, options)]

    def _given(self, array: Array) -> Any:
        array = np.ascontiguousarray(array)
        if datatype_of(array) == "BF16":
            return self._values.ortvalue_from_numpy_with_onnx_type(array, _ONNX_BFLOAT16)
        return self._values.ortvalue_from_numpy(array)


def _taken(value: Any) -> Array:
    if value.data_type() != _ORT_BFLOAT16:
        found: Array = value.numpy()
        return found
    dtype, shape = dtype_of("BF16"), tuple(value.shape())
    raw = ctypes.string_at(value.data_ptr(), int(np.prod(shape)) * dtype.itemsize)
    return np.frombuffer(raw, dtype).reshape(shape)
