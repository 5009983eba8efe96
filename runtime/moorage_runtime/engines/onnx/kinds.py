"""ONNX Runtime's types of values, such as `tensor(float)` or `seq(map(string,tensor(float)))`, as V2 tensors."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from moorage_runtime.engines import reasons
from moorage_runtime.errors import LoadFault, RequestFault
from moorage_runtime.tensors import Array, TensorSpec, dtype_of

_DATATYPES = {
    "bool": "BOOL",
    "uint8": "UINT8",
    "uint16": "UINT16",
    "uint32": "UINT32",
    "uint64": "UINT64",
    "int8": "INT8",
    "int16": "INT16",
    "int32": "INT32",
    "int64": "INT64",
    "float16": "FP16",
    "bfloat16": "BF16",
    "float": "FP32",
    "double": "FP64",
    "string": "BYTES",
}
_TENSOR = re.compile(r"tensor\((\w+)\)")
_TENSORS = re.compile(r"seq\(tensor\((\w+)\)\)")
_MAPS = re.compile(r"seq\(map\(\w+,\s*tensor\((\w+)\)\)\)")
PLAIN, TENSORS, MAPS = "plain", "tensors", "maps"


def input_spec(value: Any) -> TensorSpec:
    """An input as a V2 tensor. Raises `LoadFault` TensorUnsupported for anything but a tensor."""
    datatype = _datatype(_TENSOR, value.type)
    if datatype is None:
        raise _unsupported("input", value)
    return TensorSpec(value.name, datatype, _shape(value))


def is_tensor(value: Any) -> bool:
    """Whether `input_spec` knows it."""
    return _datatype(_TENSOR, value.type) is not None


def output_spec(value: Any) -> tuple[TensorSpec, str]:
    """An output as a V2 tensor, and how it comes: PLAIN, or as a sequence of TENSORS or of MAPS.

    Raises `LoadFault` TensorUnsupported for any other type.
    """
    if datatype := _datatype(_TENSOR, value.type):
        return TensorSpec(value.name, datatype, _shape(value)), PLAIN
    if datatype := _datatype(_MAPS, value.type):
        return TensorSpec(value.name, datatype, (-1, -1)), MAPS
    datatype = _datatype(_TENSORS, value.type)
    if datatype is None or datatype == "BF16":
        raise _unsupported("output", value)
    return TensorSpec(value.name, datatype, (-1,)), TENSORS


def symbols(values: Sequence[Any]) -> dict[str, list[tuple[str, int]]]:
    """The lengths that the model calls by the same name: name -> (input, axis) of each place."""
    found: dict[str, list[tuple[str, int]]] = {}
    for value in values:
        for axis, length in enumerate(value.shape):
            if isinstance(length, str):
                found.setdefault(length, []).append((value.name, axis))
    return {name: places for name, places in found.items() if len(places) > 1}


def from_maps(rows: Sequence[Mapping[Any, Any]], datatype: str) -> Array:
    """scikit-learn's ZipMap gives one map per row, class -> probability: rows x classes, in the maps' own order."""
    width = len(rows[0]) if rows else 0
    values = list(chain.from_iterable(row.values() for row in rows))
    return np.array(values, dtype_of(datatype)).reshape(len(rows), width)


def from_tensors(name: str, parts: Sequence[Array], datatype: str) -> Array:
    """A sequence of tensors of one shape as one tensor. Raises `RequestFault` 500 when the shapes differ."""
    if not parts:
        return np.zeros((0,), dtype_of(datatype))
    if len({part.shape for part in parts}) > 1:
        shapes = ", ".join(str(list(part.shape)) for part in parts[:3])
        raise RequestFault(
            500, "OutputUnsupported", f"output {name!r} is a sequence of tensors of different shapes, such as {shapes}"
        )
    return np.stack(parts)


def _datatype(pattern: re.Pattern[str], kind: str) -> str | None:
    found = pattern.fullmatch(kind)
    return _DATATYPES.get(found[1]) if found else None


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(length if isinstance(length, int) and length >= 0 else -1 for length in value.shape)


def _unsupported(side: str, value: Any) -> LoadFault:
    return LoadFault(
        reasons.TENSOR_UNSUPPORTED,
        f"{side} {value.name!r} is a {value.type}; this runtime takes tensors of "
        f"{', '.join(sorted(_DATATYPES.values()))}",
    )
