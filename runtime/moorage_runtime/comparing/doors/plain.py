"""JSON that does not tell its datatypes: nested lists of numbers, texts or truths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from moorage_runtime.comparing.told import Tensor, Unreadable
from moorage_runtime.tensors import Array

_decode = msgspec.json.Decoder().decode
_FLOATS = {int, float, type(None)}


def document(body: bytes) -> dict[str, Any]:
    """The JSON object of a body. Raises `Unreadable`."""
    try:
        found = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable("the answer is no JSON") from error
    if not isinstance(found, dict):
        raise Unreadable("the answer is no JSON object")
    return found


def tensor(name: str, value: Any, output: str = "") -> Tensor:
    """A value as a tensor; `null` is NaN. Raises `Unreadable` for lists that differ in length, or in what they hold."""
    datatype, array = _typed(name, np.array(value, np.object_))
    return Tensor(name, output or name, datatype, array)


def columns(name: str, rows: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    """The values of several objects by key, keys in order. Raises `Unreadable` when they differ in their keys."""
    keys = rows[0].keys()
    if any(row.keys() != keys for row in rows):
        raise Unreadable(f"the rows of {name!r} differ in their keys")
    return {key: [row[key] for row in rows] for key in sorted(keys)}


def _typed(name: str, found: Array) -> tuple[str, Array]:
    items = found.ravel().tolist()
    kinds = set(map(type, items))
    if kinds == {bool}:
        return "BOOL", found.astype(np.bool_)
    if kinds == {int}:
        return "INT64", _whole(found)
    if kinds <= _FLOATS:
        return "FP64", _numbers(found)
    if kinds <= {str, dict}:
        return "BYTES", np.array([_text(name, item) for item in items], np.object_).reshape(found.shape)
    raise Unreadable(f"{name!r} holds what is neither numbers nor texts, or its lists differ in length")


def _whole(found: Array) -> Array:
    try:
        return found.astype(np.int64)
    except OverflowError:
        # Beyond 64 bits even without a sign it is compared as Python has it.
        return found


def _numbers(found: Array) -> Array:
    # numpy makes NaN of None.
    try:
        return found.astype(np.float64)
    except OverflowError as error:
        raise Unreadable("a number is too large") from error


def _text(name: str, item: Any) -> str:
    """Text that is not UTF-8 comes as an object with one key."""
    if isinstance(item, str):
        return item
    if isinstance(coded := item.get("b64"), str) and len(item) == 1:
        return coded
    raise Unreadable(f"{name!r} holds objects")
