"""A layout as a type that msgspec checks while it parses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import msgspec

from moorage_runtime.codecs.features.question import Options
from moorage_runtime.signature import Feature

# Beyond this, making the type costs more of the start than it saves later.
COMPILED_FEATURES = 1000
_TEXT = frozenset({"string", "binary", "datetime"})


def row(features: tuple[Feature, ...]) -> Any:
    """The type of a row: a struct with one field per feature, in order; None where the names allow no such type.

    An absent optional one is UNSET.
    """
    if len(features) > COMPILED_FEATURES:
        return None
    fields = [_field(f"f{at}", feature) for at, feature in enumerate(features)]
    names = {f"f{at}": feature.name for at, feature in enumerate(features)}
    try:
        return msgspec.defstruct("Row", fields, rename=names, kw_only=True, forbid_unknown_fields=True, gc=False)
    except ValueError:
        return None


def decoder(row: Any) -> Callable[[bytes], Any]:
    """Bytes to a request with `features`, `rows`, `options`, `parameters`.

    The decoder raises `msgspec.ValidationError` for anything that is not exactly as the layout says.
    """
    request = msgspec.defstruct(
        "Request",
        [
            ("features", row | msgspec.UnsetType, msgspec.UNSET),
            ("rows", Annotated[list[row], msgspec.Meta(min_length=1)] | msgspec.UnsetType, msgspec.UNSET),
            ("options", Options | msgspec.UnsetType, msgspec.UNSET),
            ("parameters", Options | msgspec.UnsetType, msgspec.UNSET),
        ],
        forbid_unknown_fields=True,
        gc=False,
    )
    return msgspec.json.Decoder(request).decode


def _field(name: str, feature: Feature) -> Any:
    kind: Any = element(feature)
    for _ in feature.shape:
        kind = list[kind]
    if feature.required:
        return (name, kind)
    return (name, kind | None | msgspec.UnsetType, msgspec.UNSET)


def element(feature: Feature) -> Any:
    """The type of one element, with its bounds."""
    if feature.kind in _TEXT:
        return str
    if feature.kind == "boolean":
        return bool
    overflow = feature.overflow
    if overflow is not None:
        return Annotated[float, msgspec.Meta(gt=-overflow, lt=overflow)]
    bounds = feature.bounds
    if bounds is None:
        return float
    least, most = bounds
    # msgspec knows no bound beyond INT64; numpy refuses what is too large for UINT64.
    return Annotated[int, msgspec.Meta(ge=least, le=most if most < 2**63 else None)]
