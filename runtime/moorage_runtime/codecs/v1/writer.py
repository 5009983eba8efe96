"""The model's outputs to an answer of V1."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import msgspec

from moorage_runtime.codecs.slices import GREAT_ELEMENTS, SLICE_ELEMENTS
from moorage_runtime.codecs.v1.refusals import invalid
from moorage_runtime.steps import Steps
from moorage_runtime.tensors import Array

_encode = msgspec.json.Encoder().encode


def encode(outputs: Mapping[str, Array], *, by_row: bool) -> bytes:
    """The answer to a request. Raises `RequestFault` 400 when rows are asked for and the outputs differ in theirs."""
    if by_row and len(outputs) > 1:
        _check_rows(outputs)
        return _encode({"predictions": _by_row(outputs)})
    values = {name: _listed(array) for name, array in outputs.items()}
    if len(outputs) == 1:
        return _encode({"predictions" if by_row else "outputs": next(iter(values.values()))})
    return _encode({"outputs": values})


def takes_long(outputs: Mapping[str, Array]) -> bool:
    """Whether others should have their turn while this answer is written."""
    return any(array.size > GREAT_ELEMENTS for array in outputs.values())


def steps(outputs: Mapping[str, Array], *, by_row: bool) -> Steps[list[bytes]]:
    """The same answer in parts and in steps."""
    if by_row and len(outputs) > 1:
        _check_rows(outputs)
        parts = [b'{"predictions":']
        yield from _rows_in_parts(outputs, parts)
    elif by_row or len(outputs) == 1:
        parts = [b'{"predictions":' if by_row else b'{"outputs":']
        yield from _in_parts(next(iter(outputs.values())), parts)
    else:
        parts = [b'{"outputs":']
        for index, (name, array) in enumerate(outputs.items()):
            parts.append(b"%b%b:" % (b"," if index else b"{", _encode(name)))
            yield from _in_parts(array, parts)
        parts.append(b"}")
    parts.append(b"}")
    return parts


def _in_parts(array: Array, parts: list[bytes]) -> Steps[None]:
    if array.size <= SLICE_ELEMENTS or not array.ndim:
        parts.append(_encode(_listed(array)))
        return
    rows = max(1, SLICE_ELEMENTS * len(array) // array.size)
    parts.append(b"[")
    for at in range(0, len(array), rows):
        if at:
            parts.append(b",")
        if rows > 1 or array.ndim == 1:
            parts.append(_encode(_listed(array[at : at + rows]))[1:-1])
            yield
        else:
            yield from _in_parts(array[at], parts)
    parts.append(b"]")


def _rows_in_parts(outputs: Mapping[str, Array], parts: list[bytes]) -> Steps[None]:
    count = len(next(iter(outputs.values())))
    rows = SLICE_ELEMENTS * count // sum(array.size for array in outputs.values())
    if not rows:
        yield from _long_rows(outputs, count, parts)
        return
    for at in range(0, count, rows):
        part = _by_row({name: array[at : at + rows] for name, array in outputs.items()})
        parts.append(b"%b%b" % (b"," if at else b"[", _encode(part)[1:-1]))
        yield
    parts.append(b"]")


def _long_rows(outputs: Mapping[str, Array], count: int, parts: list[bytes]) -> Steps[None]:
    for at in range(count):
        for index, (name, array) in enumerate(outputs.items()):
            opening = b"," if index else b",{" if at else b"[{"
            parts.append(b"%b%b:" % (opening, _encode(name)))
            yield from _in_parts(array[at], parts)
        parts.append(b"}")
    parts.append(b"]")


def _check_rows(outputs: Mapping[str, Array]) -> None:
    if len({array.shape[:1] for array in outputs.values()}) != 1 or not all(array.ndim for array in outputs.values()):
        raise invalid('instances: the model\'s outputs differ in rows; ask with "inputs"')


def _by_row(outputs: Mapping[str, Array]) -> list[dict[str, Any]]:
    columns = [_listed(array) for array in outputs.values()]
    return [dict(zip(outputs, row, strict=True)) for row in zip(*columns, strict=True)]


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
