"""From pydantic's JSON schema to what Kubernetes calls a structural schema.

| pydantic says                          | Kubernetes wants                                            |
|----------------------------------------|-------------------------------------------------------------|
| $ref and $defs                         | everything in place; a model that contains itself is refused |
| anyOf [T, null], default null          | T, not required                                             |
| anyOf [integer, string]                | x-kubernetes-int-or-string                                  |
| const                                  | enum of one                                                 |
| exclusiveMinimum: 0                    | minimum: 0, exclusiveMinimum: true                          |
| additionalProperties: false            | nothing: unknown fields are pruned, or refused when strict  |
| no type (Any)                          | x-kubernetes-preserve-unknown-fields                        |
| defaults of objects and lists          | nothing: only scalars outside lists are filled in           |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]

_ORDER = ("description", "type", "format", "default", "enum", "required", "properties", "items", "additionalProperties")
_DROPPED = {"title", "$ref", "$defs", "anyOf", "const", "propertyNames", "additionalProperties"}


class NotStructural(Exception):
    """A model says something that a structural schema cannot; the message holds the path."""


def structural_schema(model: type[BaseModel], *, defaults: bool) -> Schema:
    """The structural schema of a model; `defaults`: whether the API server fills absent scalars in.

    Raises NotStructural, with the path, for what has no counterpart.
    """
    raw = model.model_json_schema(by_alias=True)
    return _convert(raw, raw.get("$defs", {}), path=model.__name__, seen=(), defaults=defaults)


def _convert(raw: Schema, defs: Mapping[str, Schema], *, path: str, seen: tuple[str, ...], defaults: bool) -> Schema:
    raw, seen = _in_place(raw, defs, path, seen)
    out = {key: value for key, value in raw.items() if key not in _DROPPED}
    out.update(_keywords(raw, path))
    if "description" in out:
        out["description"] = " ".join(out["description"].split())
    if not defaults or not isinstance(out.get("default"), str | int | float):
        out.pop("default", None)

    def child(value: Schema, step: str, *, filled: bool = defaults) -> Schema:
        return _convert(value, defs, path=path + step, seen=seen, defaults=filled)

    if "properties" in raw:
        out["properties"] = {name: child(value, f".{name}") for name, value in raw["properties"].items()}
    if "items" in raw:
        out["items"] = child(raw["items"], "[]", filled=False)
    if isinstance(raw.get("additionalProperties"), dict):
        out["additionalProperties"] = child(raw["additionalProperties"], "{}")
    return {key: out[key] for key in sorted(out, key=_rank)}


def _in_place(
    raw: Schema, defs: Mapping[str, Schema], path: str, seen: tuple[str, ...]
) -> tuple[Schema, tuple[str, ...]]:
    """Put references and optional values in place; what stands beside a reference wins over what it points to."""
    while True:
        target = _only_choice(raw, path)
        if target is not None:
            raw = {**target, **{key: value for key, value in raw.items() if key != "anyOf" and value is not None}}
        elif "$ref" in raw:
            name = raw["$ref"].removeprefix("#/$defs/")
            if name in seen:
                raise NotStructural(f"{path}: {name} contains itself")
            seen = (*seen, name)
            raw = {**defs[name], **{key: value for key, value in raw.items() if key != "$ref"}}
        else:
            return raw, seen


def _only_choice(raw: Schema, path: str) -> Schema | None:
    choices = [choice for choice in raw.get("anyOf", ()) if choice != {"type": "null"}]
    if not choices:
        return None
    if len(choices) == 1:
        return {**choices[0]}
    if sorted(choice.get("type", "") for choice in choices) == ["integer", "string"]:
        bounds = {key: value for choice in choices for key, value in choice.items() if key != "type"}
        return {**bounds, "x-kubernetes-int-or-string": True}
    raise NotStructural(f"{path}: a union of {len(choices)} types has no structural schema")


def _keywords(raw: Schema, path: str) -> Schema:
    out: Schema = {}
    if "prefixItems" in raw or "oneOf" in raw or "allOf" in raw:
        raise NotStructural(f"{path}: fixed tuples and tagged unions have no structural schema")
    if "const" in raw:
        out["enum"] = [raw["const"]]
    for bound, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if bound in raw:
            out |= {limit: raw[bound], bound: True}
    if "type" not in raw and "x-kubernetes-int-or-string" not in raw:
        out["x-kubernetes-preserve-unknown-fields"] = True
    return out


def _rank(key: str) -> tuple[int, str]:
    return (_ORDER.index(key) if key in _ORDER else len(_ORDER), key)
