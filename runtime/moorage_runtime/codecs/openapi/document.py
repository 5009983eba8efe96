"""The whole document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from moorage_runtime.codecs.openapi import plainly, refusals, tensorly
from moorage_runtime.codecs.openapi.subject import Schema, Subject

OPENAPI = "3.1.0"
PREDICT, V1, V2, HEALTH = "Named features", "V1", "Open Inference Protocol V2", "Server"
_ABOUT = """\
Every answer carries `x-request-id`, `x-model-version` and `x-model-revision`. `x-request-timeout` (`500ms`, `2s`) \
shortens the deadline of one request. A model's paths also exist for one version of it, as in \
`/v2/models/{model}/versions/{version}/infer`. V2 also takes binary tensors."""


def document(subjects: Sequence[Subject], title: str, *, keys: bool) -> dict[str, Any]:
    """The description of all doors to these models. `keys`: every request needs an API key."""
    paths: dict[str, Any] = {}
    schemas = dict(refusals.SCHEMAS)
    for subject in subjects:
        paths |= _paths(subject, keys=keys)
        own = plainly.schemas(subject) | tensorly.schemas(subject)
        schemas |= {subject.prefix + name: schema for name, schema in own.items()}
    paths |= _server(keys=keys)
    version = subjects[0].version if len(subjects) == 1 else "1"
    told: dict[str, Any] = {
        "openapi": OPENAPI,
        "info": {"title": title, "version": version, "description": _ABOUT},
        "tags": [{"name": name} for name in (PREDICT, V1, V2, HEALTH)],
        "paths": paths,
        "components": {"schemas": schemas},
    }
    if keys:
        told["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
        told["security"] = [{"bearer": []}]
    return told


def _paths(subject: Subject, *, keys: bool) -> dict[str, Any]:
    name = quote(subject.name, safe="")
    v1, v2 = f"/v1/models/{name}", f"/v2/models/{name}"
    asking = _Asking(keys)
    own = subject.prefix.rstrip(".") and f" {subject.name}"
    ready = {"type": "object", "properties": {"name": {"type": "string"}, "ready": {"type": "boolean"}}}
    return {
        f"/v1/predict/{name}" if subject.prefix else "/v1/predict": {
            "post": asking.post(PREDICT, f"Predict{own}", plainly.request(subject), plainly.answer(subject), "Error")
        },
        v1: {"get": asking.get(V1, f"Status{own}", ready, "PlainError", unready=ready)},
        f"{v1}:predict": {
            "post": asking.post(
                V1,
                f"Predict by V1{own}",
                tensorly.v1_request(subject),
                {"schema": subject.ref("V1Answer")},
                "PlainError",
            )
        },
        v2: {"get": asking.get(V2, f"Metadata{own}", {"type": "object"}, "PlainError")},
        f"{v2}/ready": {"get": asking.get(V2, f"Readiness{own}", ready, "PlainError", unready=ready)},
        f"{v2}/infer": {
            "post": asking.post(
                V2, f"Infer{own}", tensorly.v2_request(subject), {"schema": subject.ref("V2Answer")}, "PlainError"
            )
        },
    }


def _server(*, keys: bool) -> dict[str, Any]:
    asking = _Asking(keys)
    flag = {"type": "object", "additionalProperties": {"type": "boolean"}}
    names = {"type": "object", "properties": {"models": {"type": "array", "items": {"type": "string"}}}}
    return {
        "/v2": {"get": asking.get(HEALTH, "Server metadata", {"type": "object"}, "PlainError")},
        "/v2/health/live": {"get": asking.get(HEALTH, "Liveness", flag, "PlainError")},
        "/v2/health/ready": {"get": asking.get(HEALTH, "Readiness", flag, "PlainError", unready=flag)},
        "/v1/models": {"get": asking.get(HEALTH, "Models", names, "PlainError")},
        "/openapi.json": {"get": asking.get(HEALTH, "This document", {"type": "object"}, "Error")},
    }


class _Asking:
    """Makes operations."""

    def __init__(self, keys: bool) -> None:
        self._keys = keys

    def get(self, tag: str, summary: str, schema: Schema, refusal: str, unready: Schema | None = None) -> Schema:
        """A document that is only read. `unready`: what 503 answers in its place."""
        told = _json("As it is now.", {"schema": schema})
        responses = {"200": told} | refusals.responses(refusals.READING, refusal, keys=self._keys)
        if unready:
            plain = responses["503"]["content"]["application/json"]["schema"]
            responses["503"] = _json(refusals.MEANINGS[503], {"schema": {"anyOf": [unready, plain]}})
        return {"tags": [tag], "summary": summary, "operationId": _id(tag, summary), "responses": responses}

    def post(self, tag: str, summary: str, request: Schema, answer: Schema, refusal: str) -> Schema:
        """A question with a JSON body."""
        responses = {"200": _json("The answer.", answer)}
        return {
            "tags": [tag],
            "summary": summary,
            "operationId": _id(tag, summary),
            "requestBody": {"required": True, "content": {"application/json": request}},
            "responses": responses | refusals.responses(refusals.ASKING, refusal, keys=self._keys),
        }


def _json(description: str, content: Mapping[str, Any]) -> Schema:
    return {"description": description, "content": {"application/json": dict(content)}}


def _id(tag: str, summary: str) -> str:
    return "".join(word.capitalize() for word in f"{summary} {'' if tag == PREDICT else tag}".split())
