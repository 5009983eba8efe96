"""One value of a feature: what it may be in JSON, and what the model gets for it."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from moorage_runtime.signature import Feature

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHOWN = 40


class Mistake(Exception):
    """A value does not fit its feature; the text says what came and what is needed."""


def checked(feature: Feature, value: Any) -> Any:
    """A parsed JSON value as the model's own, arrays element by element. Raises `Mistake`."""
    if value is None and not feature.required:
        return missing(feature)
    return _nested(feature, value, feature.shape)


def missing(feature: Feature) -> Any:
    """What an optional feature is when the client does not give it."""
    return "" if feature.datatype == "BYTES" else float("nan")


def _nested(feature: Feature, value: Any, shape: tuple[int, ...]) -> Any:
    if not shape:
        return _ELEMENTS[feature.kind](feature, value)
    if not isinstance(value, list):
        raise Mistake(f"{shown(value)}, a list is needed")
    if shape[0] not in (-1, len(value)):
        raise Mistake(f"has {len(value)} elements, {shape[0]} are needed")
    if not value and len(shape) > 1:
        raise Mistake("is an empty list of lists")
    items = [_nested(feature, item, shape[1:]) for item in value]
    if len(shape) > 1 and len({len(item) for item in items}) > 1:
        raise Mistake("its lists differ in length")
    return items


def _number(feature: Feature, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Mistake(f"{shown(value)}, a number is needed")
    limit = feature.overflow
    if (limit is not None and not -limit < value < limit) or abs(value) >= 2**1024:
        raise Mistake(f"{shown(value)}, too large for {feature.datatype}")
    return value


def _whole(feature: Feature, value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Mistake(f"{shown(value)}, a whole number is needed")
    least, most = feature.bounds or (value, value)
    if not least <= value <= most:
        raise Mistake(f"{shown(value)}, not from {least} to {most}")
    return value


def _boolean(_: Feature, value: Any) -> bool:
    if not isinstance(value, bool):
        raise Mistake(f"{shown(value)}, true or false is needed")
    return value


def _text(_: Feature, value: Any) -> str:
    if not isinstance(value, str):
        raise Mistake(f"{shown(value)}, text is needed")
    return value


def _binary(feature: Feature, value: Any) -> str:
    """Text tensors hold UTF-8 only."""
    try:
        return b64decode(_text(feature, value), validate=True).decode()
    except (binascii.Error, ValueError):
        raise Mistake(f"{shown(value)}, base64 of UTF-8 text is needed") from None


def _datetime(feature: Feature, value: Any) -> str | int:
    """The text itself for a text tensor; for a number tensor nanoseconds since 1970, UTC where no zone is given."""
    try:
        moment = datetime.fromisoformat(_text(feature, value))
    except ValueError:
        raise Mistake(f"{shown(value)}, an ISO 8601 time is needed") from None
    if feature.datatype == "BYTES":
        return str(value)
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    nanoseconds = (since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds) * 1000
    if abs(nanoseconds) >= 2**63:
        raise Mistake(f"{shown(value)}, too far from 1970")
    return nanoseconds


_ELEMENTS: dict[str, Callable[[Feature, Any], Any]] = {
    "double": _number,
    "float": _number,
    "integer": _whole,
    "long": _whole,
    "boolean": _boolean,
    "string": _text,
    "binary": _binary,
    "datetime": _datetime,
}


def shown(value: Any) -> str:
    """A value in a message: short, and saying what kind of thing it is."""
    if value is None:
        return "is null"
    if isinstance(value, bool):
        return f"is {str(value).lower()}"
    if isinstance(value, str):
        text = value if value.isprintable() else ascii(value)[1:-1]
        return f'is the text "{text[:_SHOWN]}{"..." if len(text) > _SHOWN else ""}"'
    if isinstance(value, list):
        return "is a list"
    if isinstance(value, dict):
        return "is an object"
    text = repr(value) if isinstance(value, float) or abs(value) < 10**_SHOWN else "a number of many digits"
    return f"is {text}"
