"""Tensors as the Open Inference Protocol names them, and as numpy holds them."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_NUMPY = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype(np.uint8),
    "UINT16": np.dtype(np.uint16),
    "UINT32": np.dtype(np.uint32),
    "UINT64": np.dtype(np.uint64),
    "INT8": np.dtype(np.int8),
    "INT16": np.dtype(np.int16),
    "INT32": np.dtype(np.int32),
    "INT64": np.dtype(np.int64),
    "FP16": np.dtype(np.float16),
    "FP32": np.dtype(np.float32),
    "FP64": np.dtype(np.float64),
    "BYTES": np.dtype(np.object_),
}
_NAMES = {dtype: name for name, dtype in _NUMPY.items()}
_BF16 = "BF16"
_FLOATS = frozenset({"FP16", _BF16, "FP32", "FP64"})
DATATYPES = frozenset(_NUMPY) | {_BF16}


class TensorSpec(msgspec.Struct, frozen=True):
    """What a model says of one input or output: `shape` has -1 where any length fits."""

    name: str
    datatype: str
    shape: tuple[int, ...]


def dtype_of(datatype: str) -> np.dtype[Any]:
    """The numpy dtype of a V2 datatype; BYTES is an object array of `str`. Raises KeyError for an unknown name."""
    return _bfloat16() if datatype == _BF16 else _NUMPY[datatype]


def datatype_of(array: Array) -> str:
    """The V2 datatype of an array; any kind of text or object is BYTES. Raises KeyError for a dtype without a name."""
    if array.dtype.kind in "OSU":
        return "BYTES"
    name = _NAMES.get(array.dtype)
    if name is not None:
        return name
    return {"bfloat16": _BF16}[array.dtype.name]


@cache
def _bfloat16() -> np.dtype[Any]:
    # Imported only for models that have such tensors: 10 ms of the start, 2 MiB.
    import ml_dtypes

    dtype: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
    return dtype


def fits(shape: tuple[int, ...], spec: TensorSpec) -> bool:
    """Whether an actual shape satisfies the spec's."""
    return len(shape) == len(spec.shape) and all(
        wanted in (-1, length) for length, wanted in zip(shape, spec.shape, strict=True)
    )


def zeros(spec: TensorSpec) -> Array:
    """The smallest tensor that fits: length 1 where any fits; zeros, false, or empty text."""
    shape = tuple(1 if length < 0 else length for length in spec.shape)
    if spec.datatype == "BYTES":
        return np.full(shape, "", dtype=np.object_)
    return np.zeros(shape, dtype_of(spec.datatype))


def difference(got: Array, wanted: Array, tolerance: float) -> str | None:
    """The first place where two tensors differ, in words; None when they agree.

    Numbers may differ by `tolerance`, absolute or relative to the wanted one; NaN equals NaN; all else is exact.
    """
    if got.shape != wanted.shape:
        return f": expected shape {list(wanted.shape)}, got {list(got.shape)}"
    numbers = datatype_of(wanted) in _FLOATS
    if numbers:
        left, right = got.astype(np.float64), wanted.astype(np.float64)
        same = np.isclose(left, right, rtol=tolerance, atol=tolerance, equal_nan=True)
    else:
        same = np.asarray(got == wanted)
    if same.all():
        return None
    at = tuple(int(place) for place in np.argwhere(~same)[0])
    where = f"[{', '.join(map(str, at))}]" if at else ""
    within = f" within {tolerance:g}" if numbers else ""
    return f"{where}: expected {wanted[at]!s:.100}{within}, got {got[at]!s:.100}"
