"""A structural schema applied offline: what the API server finds wrong with the shape of an object."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from moorage_operator.commands.documents import Where

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Breach:
    """One demand of the schema that a value does not meet."""

    where: Where
    reason: str
    message: str


def breaches(schema: Schema, value: Any, where: Where = ()) -> Iterator[Breach]:
    """Every breach at `where` and below it."""
    wrong = _wrong_type(schema, value)
    if wrong is not None:
        yield Breach(where, "WrongType", wrong)
        return
    if "enum" in schema and value not in schema["enum"]:
        allowed = ", ".join(str(choice) for choice in schema["enum"])
        yield Breach(where, "NotSupported", f"{_shown(value)} is not supported; choose one of: {allowed}")
        return
    yield from _CHECKS.get(_kind(value), _nothing)(schema, value, where)


def defaulted(schema: Schema, value: Any) -> Any:
    """The value as the API server keeps it: absent scalars filled in."""
    if isinstance(value, dict):
        inner = schema.get("properties", {})
        filled = {name: each["default"] for name, each in inner.items() if "default" in each and name not in value}
        rest = schema.get("additionalProperties", {})
        return filled | {name: defaulted(inner.get(name, rest), each) for name, each in value.items()}
    if isinstance(value, list):
        return [defaulted(schema.get("items", {}), each) for each in value]
    return value


def _wrong_type(schema: Schema, value: Any) -> str | None:
    wanted, kind = schema.get("type"), _kind(value)
    if schema.get("x-kubernetes-int-or-string"):
        return None if kind in ("integer", "string") else f"must be a whole number or text, not {_called(value)}"
    if wanted is None or kind == wanted or (wanted, kind) == ("number", "integer"):
        return None
    cure = f'; write "{_as_written(value)}"' if wanted == "string" and kind in ("integer", "number", "boolean") else ""
    return f"must be {_article(wanted)}, not {_called(value)}{cure}"


def _object(schema: Schema, value: dict[str, Any], where: Where) -> Iterator[Breach]:
    fields, rest = schema.get("properties"), schema.get("additionalProperties")
    for name in schema.get("required", ()):
        if name not in value:
            yield Breach((*where, name), "Required", "is required")
    if len(value) > schema.get("maxProperties", len(value)):
        yield Breach(where, "TooMany", f"has {len(value)} entries; at most {schema['maxProperties']} are allowed")
    for name, inner in value.items():
        if fields is not None and name in fields:
            yield from breaches(fields[name], inner, (*where, name))
        elif rest is not None:
            yield from breaches(rest, inner, (*where, name))
        elif fields is not None and not schema.get("x-kubernetes-preserve-unknown-fields"):
            yield Breach((*where, name), "UnknownField", f"there is no such field{_meant(name, fields)}")


def _meant(name: str, known: Mapping[str, Any]) -> str:
    by_case = {each.lower(): each for each in known}
    near = get_close_matches(name.lower().replace("_", ""), by_case, n=1, cutoff=0.6)
    return f"; did you mean {by_case[near[0]]}?" if near else f"; the fields here are: {', '.join(known)}"


def _array(schema: Schema, value: list[Any], where: Where) -> Iterator[Breach]:
    yield from _between(len(value), schema.get("minItems"), schema.get("maxItems"), "items", where)
    keys, seen = schema.get("x-kubernetes-list-map-keys", ()), set()
    for index, item in enumerate(value):
        yield from breaches(schema.get("items", {}), item, (*where, index))
        if keys and isinstance(item, dict):
            key = tuple(str(item.get(each)) for each in keys)
            if key in seen:
                told = ", ".join(f"{name} {text}" for name, text in zip(keys, key, strict=True))
                yield Breach((*where, index), "Duplicate", f"{told} stands here twice; remove one")
            seen.add(key)


def _text(schema: Schema, value: str, where: Where) -> Iterator[Breach]:
    yield from _between(len(value), schema.get("minLength"), schema.get("maxLength"), "characters", where)
    pattern = schema.get("pattern")
    # For Python `$` also stands before a last newline, for Kubernetes only at the very end.
    if pattern is not None and (re.search(pattern, value) is None or value.endswith("\n")):
        yield Breach(where, "PatternMismatch", f"{_shown(value)} does not match {pattern}")


def _number(schema: Schema, value: float, where: Where) -> Iterator[Breach]:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and not (value > low if schema.get("exclusiveMinimum") else value >= low):
        yield Breach(where, "OutOfRange", f"{value} is too small; it must be {low} or more")
    if high is not None and not (value < high if schema.get("exclusiveMaximum") else value <= high):
        yield Breach(where, "OutOfRange", f"{value} is too large; it must be {high} or less")
    elif isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        yield Breach(where, "OutOfRange", f"{value} has more than 64 bits; write it as text, or smaller")


def _between(size: int, low: int | None, high: int | None, what: str, where: Where) -> Iterator[Breach]:
    if low is not None and size < low:
        yield Breach(where, "TooFew", f"has {size} {what}; it must have at least {low}")
    if high is not None and size > high:
        yield Breach(where, "TooMany", f"has {size} {what}; at most {high} are allowed")


def _nothing(_schema: Schema, _value: Any, _where: Where) -> Iterator[Breach]:
    yield from ()


_CHECKS: Mapping[str, Callable[[Schema, Any, Where], Iterator[Breach]]] = {
    "object": _object,
    "array": _array,
    "string": _text,
    "integer": _number,
    "number": _number,
}
_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (str, "string"),
    (dict, "object"),
    (list, "array"),
)


def _kind(value: Any) -> str:
    return next((name for kind, name in _KINDS if isinstance(value, kind)), "null")


def _article(kind: str) -> str:
    words = {"object": "a map", "array": "a list", "string": "text", "integer": "a whole number", "number": "a number"}
    return words.get(kind, "true or false")


def _called(value: Any) -> str:
    kind = _kind(value)
    return "nothing" if kind == "null" else f"{_article(kind)} ({_shown(value)})"


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else _as_written(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _as_written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
