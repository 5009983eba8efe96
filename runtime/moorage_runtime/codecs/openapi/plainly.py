"""The plain API: named features in, a prediction out."""

from __future__ import annotations

from typing import Any

from moorage_runtime.codecs.features.question import REQUEST_ID_CHARACTERS
from moorage_runtime.codecs.openapi import elements
from moorage_runtime.codecs.openapi.subject import Schema, Subject
from moorage_runtime.tensors import TensorSpec


def schemas(subject: Subject) -> dict[str, Schema]:
    """Named schemas of requests and answers."""
    return {
        "Features": _features(subject),
        "Options": _options(subject),
        "Question": _question(subject),
        "Prediction": _object(_row_of_answer(subject) | _told(subject), "version", "requestId", "latencyMs"),
        "Predictions": _predictions(subject),
    }


def request(subject: Subject) -> Schema:
    """The media type of a request body."""
    body: Schema = {"schema": subject.ref("Question")}
    if subject.shown:
        body["examples"] = {
            "one row": {"value": {"features": dict(subject.row)}},
            "several rows": {"value": {"rows": [dict(subject.row)] * 2}},
        }
    return body


def answer(subject: Subject) -> Schema:
    """The media type of an answer."""
    return {"schema": {"anyOf": [subject.ref("Prediction"), subject.ref("Predictions")]}}


def _features(subject: Subject) -> Schema:
    features = subject.layout.features
    schema: Schema = {
        "type": "object",
        "title": f"One row for {subject.name}",
        "properties": {feature.name: elements.feature(feature) for feature in features},
        "required": [feature.name for feature in features if feature.required],
        "additionalProperties": False,
    }
    return schema | {"examples": [dict(subject.row)]} if subject.shown else schema


def _options(subject: Subject) -> Schema:
    own: dict[str, Schema] = {
        "request_id": {
            "type": ["string", "null"],
            "maxLength": REQUEST_ID_CHARACTERS,
            "description": "told back as requestId",
        }
    }
    if subject.roles.likely:
        told = "false: leave the probabilities out of the answer"
    else:
        told = "this model gives no probabilities"
    own["return_probabilities"] = {"type": "boolean", "default": True, "description": told}
    return {"type": "object", "properties": own, "additionalProperties": False}


def _question(subject: Subject) -> Schema:
    rows = {"type": "array", "items": subject.ref("Features"), "minItems": 1}
    fixed = {spec.shape[0] if spec.shape else 1 for spec in subject.layout.inputs} - {-1}
    if len(fixed) == 1:
        rows |= {"minItems": min(fixed), "maxItems": min(fixed)}
    options = {"options": subject.ref("Options")}
    many = _closed({"rows": rows} | options, "rows")
    if fixed - {1}:
        return many
    return {"oneOf": [_closed({"features": subject.ref("Features")} | options, "features"), many]}


def _predictions(subject: Subject) -> Schema:
    rows = {"type": "array", "items": _object(_row_of_answer(subject))}
    return _object({"predictions": rows} | _told(subject), "predictions", "version", "requestId", "latencyMs")


def _row_of_answer(subject: Subject) -> dict[str, Any]:
    roles = subject.roles
    if not roles.likely and roles.label is None:
        return {"prediction": _values(subject, roles.others)}
    row: dict[str, Any] = {"prediction": _label(subject)}
    if roles.likely:
        row |= _chances(subject)
    if roles.others:
        shown = {name: _value(subject.outputs[name]) for name in roles.others}
        row["outputs"] = {"type": "object", "properties": shown}
    return row


def _chances(subject: Subject) -> dict[str, Any]:
    chance = {"type": ["number", "null"]}
    likely: Schema = {"type": "array", "items": chance}
    if subject.classes:
        by_class = {str(label): chance for label in subject.classes}
        likely = {"anyOf": [{"type": "object", "properties": by_class, "additionalProperties": False}, likely]}
    return {
        "probabilities": likely | {"description": "for each class; left out with return_probabilities: false"},
        "confidence": {"type": ["number", "null"], "description": "the greatest probability"},
    }


def _label(subject: Subject) -> Schema:
    if subject.roles.label:
        return _value(subject.outputs[subject.roles.label])
    return {"type": ["integer", "string"]}


def _values(subject: Subject, names: tuple[str, ...]) -> Schema:
    if len(names) == 1:
        return _value(subject.outputs[names[0]])
    return _object({name: _value(subject.outputs[name]) for name in names}, *names)


def _value(spec: TensorSpec) -> Schema:
    """One row of an output: a scalar where it has one element. A length that is not known may turn out to be one."""
    element, row = elements.given(spec), spec.shape[1:]
    if row in ((), (1,)):
        return element
    schema = elements.answered(spec, row)
    return {"anyOf": [element, schema]} if row == (-1,) else schema


def _told(subject: Subject) -> dict[str, Schema]:
    return {
        "version": {"type": "string", "const": subject.version},
        "requestId": {"type": "string"},
        "latencyMs": {"type": "number", "description": "milliseconds in this server"},
    }


def _closed(properties: dict[str, Any], *required: str) -> Schema:
    return _object(properties, *required) | {"additionalProperties": False}


def _object(properties: dict[str, Any], *required: str) -> Schema:
    schema: Schema = {"type": "object", "properties": properties}
    return schema | {"required": list(required)} if required else schema
