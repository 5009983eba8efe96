"""The elements of features and tensors as JSON Schema."""

from __future__ import annotations

from moorage_runtime.codecs.openapi.subject import Schema
from moorage_runtime.signature import Feature, plain
from moorage_runtime.tensors import TensorSpec


def feature(told: Feature) -> Schema:
    """One feature of a row, with all its bounds."""
    schema = nested(_element(told), told.shape)
    if told.required:
        return schema
    return schema | {"type": [schema["type"], "null"]}


def taken(spec: TensorSpec) -> Schema:
    """One element of an input."""
    return _element(plain(spec))


def given(spec: TensorSpec) -> Schema:
    """One element of an output; what is no number comes as null."""
    if spec.datatype == "BYTES":
        return {"type": "string"}
    if spec.datatype == "BOOL":
        return {"type": "boolean"}
    return {"type": "integer"} if "INT" in spec.datatype else {"type": ["number", "null"]}


def nested(element: Schema, shape: tuple[int, ...], least: int = 1) -> Schema:
    """Lists of lists of elements, as the shape says; -1 is any length, from `least` on where lists are listed."""
    schema = element
    for depth, length in enumerate(reversed(shape)):
        open_length = {"minItems": least} if depth and least else {}
        schema = {"type": "array", "items": schema} | (
            open_length if length < 0 else {"minItems": length, "maxItems": length}
        )
    return schema


def answered(spec: TensorSpec, shape: tuple[int, ...]) -> Schema:
    """A part of an output, of this shape, as nested lists; any of them may be empty."""
    return nested(given(spec), shape, least=0)


def _element(told: Feature) -> Schema:
    if told.kind == "boolean":
        return {"type": "boolean"}
    if told.kind == "string":
        return {"type": "string"}
    if told.kind == "datetime":
        return {"type": "string", "format": "date-time"}
    if told.kind == "binary":
        return {"type": "string", "contentEncoding": "base64", "description": "base64 of UTF-8 text"}
    bounds = told.bounds
    if bounds is not None:
        return {"type": "integer", "minimum": bounds[0], "maximum": bounds[1]}
    overflow = told.overflow
    schema = {"type": "number", "format": "double" if told.kind == "double" else "float"}
    return schema if overflow is None else schema | {"exclusiveMinimum": -overflow, "exclusiveMaximum": overflow}
