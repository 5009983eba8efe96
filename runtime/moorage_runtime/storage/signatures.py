"""The signature in an MLmodel file, as records.

MLflow writes it as JSON text inside the YAML: column specs (`type`, `name`, `required`), or tensor specs whose first
length is the batch. Names that are given twice, more columns than `COLUMNS`, or what is no such JSON: no signature.
"""

from __future__ import annotations

import logging
from typing import Any

import msgspec

from moorage_runtime.artifact import KINDS, Column, Signature
from moorage_runtime.config import Feature

log = logging.getLogger(__name__)

COLUMNS = 10_000
NAME_CHARACTERS = 512
RANK = 8
_OF_DTYPE = {"float64": "double", "float32": "float", "int32": "integer", "bool": "boolean", "bytes": "binary"}


class _Spec(msgspec.Struct, frozen=True):
    type: str
    name: str | int | float | None = None
    required: bool = True
    tensor: dict[str, Any] = msgspec.field(name="tensor-spec", default_factory=dict)
    items: dict[str, Any] = {}


_decode = msgspec.json.Decoder(list[_Spec]).decode


def read(described: dict[str, Any]) -> Signature | None:
    """The signature in a parsed MLmodel; None when there is none that can be used."""
    found = described.get("signature")
    if not isinstance(found, dict) or not isinstance(found.get("inputs"), str):
        return None
    outputs = found.get("outputs")
    try:
        return Signature(_columns(found["inputs"]), _columns(outputs) if isinstance(outputs, str) else ())
    except (msgspec.DecodeError, RecursionError, ValueError, TypeError, OverflowError) as error:
        log.warning("the MLmodel's signature is not used", extra={"detail": str(error)[:300]})
        return None


def features(signature: Signature | None) -> tuple[Feature, ...] | None:
    """The columns that clients can name; None where the author gave no names."""
    if signature is None or not all(column.name for column in signature.inputs):
        return None
    return tuple(Feature(column.name, column.kind, column.required) for column in signature.inputs)


def _columns(text: str) -> tuple[Column, ...]:
    specs = _decode(text)
    if len(specs) > COLUMNS:
        raise ValueError(f"it has {len(specs)} columns, at most {COLUMNS} are read")
    columns = tuple(_column(spec) for spec in specs)
    named = [column.name for column in columns if column.name]
    if len(set(named)) != len(named):
        raise ValueError("a name is given twice")
    return columns


def _column(spec: _Spec) -> Column:
    name = "" if spec.name is None else str(spec.name)
    if len(name) > NAME_CHARACTERS:
        raise ValueError(f"a name is longer than {NAME_CHARACTERS} characters")
    if spec.type == "tensor":
        dtype, shape = str(spec.tensor.get("dtype", "")), tuple(map(int, spec.tensor.get("shape", ())))
        if len(shape) > RANK:
            raise ValueError(f"{name!r} has {len(shape)} dimensions")
        return Column(name, _of_dtype(dtype), spec.required, shape[1:])
    depth, kind = 0, spec.type
    items = spec.items
    while kind == "array" and depth < RANK:
        depth, kind, items = depth + 1, str(items.get("type", "")), _object(items.get("items"))
    return Column(name, kind if kind in KINDS else "", spec.required, (-1,) * depth)


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _of_dtype(dtype: str) -> str:
    """The kind of a numpy dtype's elements; each integer type but int32 is a long, all text is a string."""
    if dtype.startswith(("int", "uint")) and dtype != "int32":
        return "long"
    if dtype.startswith(("str", "object", "<U", "U")):
        return "string"
    return _OF_DTYPE.get(dtype, "")
