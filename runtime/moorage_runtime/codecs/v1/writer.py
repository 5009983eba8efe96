"""The model's outputs to an answer of V1."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import msgspec

from moorage_runtime.codecs.v1.refusals import invalid
from moorage_runtime.tensors import Array

_encode = msgspec.json.Encoder().encode


def encode(outputs: Mapping[str, Array], *, by_row: bool) -> bytes:
    """The answer to a request. Raises `RequestFault` 400 when rows are asked for and the outputs differ in theirs."""
    values = {name: _listed(array) for name, array in outputs.items()}
    if len(outputs) == 1:
        return _encode({"predictions" if by_row else "outputs": next(iter(values.values()))})
    if not by_row:
        return _encode({"outputs": values})
    if len({array.shape[:1] for array in outputs.values()}) != 1 or not all(array.ndim for array in outputs.values()):
        raise invalid('instances: the model\'s outputs differ in rows; ask with "inputs"')
    rows = zip(*values.values(), strict=True)
    return _encode({"predictions": [dict(zip(values, row, strict=True)) for row in rows]})


def _listed(array: Array) -> Any:
    found = array.tolist()
    return _texts(found) if array.dtype.kind in "OSU" else found


def _texts(value: Any) -> Any:
    if isinstance(value, list):
        return [_texts(item) for item in value]
    if not isinstance(value, bytes):
        return str(value)
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"b64": b64encode(value).decode()}
