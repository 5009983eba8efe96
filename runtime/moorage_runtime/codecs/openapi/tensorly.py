"""The tensor protocols: V1's nested lists, V2's named tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moorage_runtime.codecs.openapi import elements
from moorage_runtime.codecs.openapi.subject import Schema, Subject
from moorage_runtime.tensors import Array, TensorSpec, datatype_of

_PARAMETERS: Schema = {"type": ["object", "null"]}


def schemas(subject: Subject) -> dict[str, Schema]:
    """Named schemas of requests and answers."""
    return {
        "V1Request": _v1_request(subject),
        "V1Answer": _v1_answer(subject),
        "V2Request": _v2_request(subject),
        "V2Answer": _v2_answer(subject),
    }


def v1_request(subject: Subject) -> Schema:
    """The media type of a V1 body."""
    body: Schema = {"schema": subject.ref("V1Request")}
    if subject.shown:
        body["example"] = {"inputs": _one_or_all({name: _listed(array) for name, array in subject.tensors.items()})}
    return body


def v2_request(subject: Subject) -> Schema:
    """The media type of a V2 body."""
    body: Schema = {"schema": subject.ref("V2Request")}
    if subject.shown:
        body["example"] = {"inputs": [_example(name, array) for name, array in subject.tensors.items()]}
    return body


def _v1_request(subject: Subject) -> Schema:
    columns = {name: _column(spec) for name, spec in subject.inputs.items()}
    all_columns = _closed(columns)
    all_columns["properties"] |= {name: _column(spec) for name, spec in subject.optional.items()}
    by_name = _closed({name: _row(spec) for name, spec in subject.inputs.items()})
    rows: list[Schema] = [by_name, subject.ref("Features")]
    if len(columns) == 1:
        rows += _rows(next(iter(subject.inputs.values())))
    inputs = all_columns if len(columns) > 1 else {"anyOf": [*columns.values(), all_columns]}
    name: dict[str, Schema] = {"signature_name": {"description": "tolerated"}}
    count = _count(subject)
    instances = {"anyOf": [{"type": "array", "items": row, **count} for row in rows]}
    return {"oneOf": [_sent({"instances": instances}, name), _sent({"inputs": inputs}, name)]}


def _count(subject: Subject) -> Schema:
    """How many rows a request has: of a model with a fixed first length, exactly so many."""
    fixed = [spec.shape[0] for spec in subject.inputs.values() if spec.shape and spec.shape[0] >= 0]
    return {"minItems": fixed[0], "maxItems": fixed[0]} if fixed else {"minItems": 1}


def _v1_answer(subject: Subject) -> Schema:
    row = {name: elements.answered(spec, spec.shape[1:]) for name, spec in subject.outputs.items()}
    whole = {name: elements.answered(spec, spec.shape) for name, spec in subject.outputs.items()}
    one = len(row) == 1
    predictions = {"type": "array", "items": next(iter(row.values())) if one else _object(row)}
    outputs = next(iter(whole.values())) if one else _object(whole)
    return {"oneOf": [_object({"predictions": predictions}), _object({"outputs": outputs})]}


def _v2_request(subject: Subject) -> Schema:
    specs = (*subject.inputs.values(), *subject.optional.values())
    tensors = [_v2_tensor(spec, elements.taken(spec), _exactly(spec)) for spec in specs]
    wanted = _object({"name": {"enum": list(subject.outputs)}})
    wanted["properties"]["parameters"] = _PARAMETERS
    return {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "id": {"type": ["string", "null"]},
            "parameters": _PARAMETERS,
            "inputs": {
                "type": "array",
                "items": tensors[0] if len(tensors) == 1 else {"oneOf": tensors},
                "minItems": len(subject.inputs),
                "maxItems": len(tensors),
            },
            "outputs": {"type": ["array", "null"], "items": wanted, "uniqueItems": True},
        },
    }


def _v2_answer(subject: Subject) -> Schema:
    tensors = [_v2_tensor(spec, elements.given(spec), _lengths(spec)) for spec in subject.outputs.values()]
    return {
        "type": "object",
        "required": ["model_name", "outputs"],
        "properties": {
            "model_name": {"type": "string", "const": subject.name},
            "model_version": {"type": "string"},
            "id": {"type": "string"},
            "parameters": {"type": "object"},
            "outputs": {"type": "array", "items": {"anyOf": tensors}},
        },
    }


def _v2_tensor(spec: TensorSpec, element: Schema, shape: Schema) -> Schema:
    flat = {"type": "array", "items": element}
    deep = [elements.nested(element, (-1,) * len(spec.shape), least=0)] if len(spec.shape) > 1 else []
    tensor = _object(
        {
            "name": {"const": spec.name},
            "shape": shape,
            "datatype": {"const": spec.datatype},
            "data": {"anyOf": [flat, *deep]},
        }
    )
    tensor["properties"]["parameters"] = _PARAMETERS
    return tensor


def _row(spec: TensorSpec) -> Schema:
    return _either(_rows(spec))


def _rows(spec: TensorSpec) -> list[Schema]:
    """The forms of one row; that of one element may be the element."""
    row = elements.nested(elements.taken(spec), spec.shape[1:])
    return [row, elements.taken(spec)] if spec.shape[1:] == (1,) else [row]


def _either(schemas: list[Schema]) -> Schema:
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _column(spec: TensorSpec) -> Schema:
    """The forms of some rows, all of them alike."""
    whole = elements.nested(elements.taken(spec), spec.shape)
    flat = elements.nested(elements.taken(spec), spec.shape[:1])
    return _either([whole, flat] if spec.shape[1:] == (1,) else [whole])


def _lengths(spec: TensorSpec) -> Schema:
    """The shape of a tensor: as many lengths as the model says."""
    rank = len(spec.shape)
    return {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": rank, "maxItems": rank}


def _exactly(spec: TensorSpec) -> Schema:
    """The shape of a tensor: those lengths that the model says."""
    if not spec.shape:
        return {"type": "array", "maxItems": 0}
    lengths = [{"type": "integer", "minimum": 0} if length < 0 else {"const": length} for length in spec.shape]
    return {"type": "array", "prefixItems": lengths, "minItems": len(lengths), "maxItems": len(lengths)}


def _one_or_all(values: Mapping[str, Any]) -> Any:
    return next(iter(values.values())) if len(values) == 1 else dict(values)


def _listed(array: Array) -> Any:
    if array.dtype.kind not in "fV":
        return array.tolist()
    # The shortest text that reads back as the same element, not the element widened.
    return [_listed(item) for item in array] if array.ndim else float(str(array))


def _example(name: str, array: Array) -> dict[str, Any]:
    return {
        "name": name,
        "shape": list(array.shape),
        "datatype": datatype_of(array),
        "data": _listed(array.reshape(-1)),
    }


def _sent(required: dict[str, Schema], optional: dict[str, Schema]) -> Schema:
    return _object(required) | {"properties": required | optional}


def _closed(properties: dict[str, Any]) -> Schema:
    return _object(properties) | {"additionalProperties": False}


def _object(properties: dict[str, Any]) -> Schema:
    return {"type": "object", "properties": dict(properties), "required": list(properties)}
