"""A row of features as one might send it: from the model's example, for documents and forms."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from moorage_runtime.signature import Feature, Layout
from moorage_runtime.tensors import Array

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def row(layout: Layout, inputs: Mapping[str, Array]) -> dict[str, Any]:
    """The first row of a model's inputs as named features; what is not a number is left out where it may be absent."""
    if layout.table:
        first: Any = inputs[layout.inputs[0].name][0]
        told = [(feature, first[at]) for at, feature in enumerate(layout.features)]
    else:
        told = [
            (feature, inputs[spec.name].reshape(-1)[0] if not feature.shape else inputs[spec.name][0])
            for spec, feature in zip(layout.inputs, layout.features, strict=True)
        ]
    named = {feature.name: _plain(feature, value) for feature, value in told}
    optional = {feature.name for feature in layout.features if not feature.required}
    return {name: value for name, value in named.items() if value is not None or name not in optional}


def _plain(feature: Feature, value: Any) -> Any:
    """A value as JSON would have it."""
    if isinstance(value, np.ndarray):
        return [_plain(feature, item) for item in value]
    if feature.kind == "datetime":
        return _moment(value)
    if feature.kind == "binary":
        return b64encode(value if isinstance(value, bytes) else str(value).encode()).decode()
    if feature.kind == "string":
        return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    if feature.kind == "boolean":
        return bool(value)
    if feature.kind in ("integer", "long"):
        return int(value)
    # The shortest text that reads back as the same element, not the element widened.
    number = float(str(value))
    return number if np.isfinite(number) else None


def _moment(value: Any) -> str:
    if isinstance(value, str):
        return value or _EPOCH.isoformat()
    return (_EPOCH + timedelta(microseconds=int(value) // 1000)).isoformat()
