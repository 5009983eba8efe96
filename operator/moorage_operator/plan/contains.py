"""Is what we wish already there? A live object holds more than we wish for; only what we wish is compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moorage_operator.api.quantity import same_quantity

_KEYS: Mapping[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "imagePullSecrets": ("name",),
    "ownerReferences": ("uid",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
}
"""Lists that the API server merges by key, so that others may add to them. All other lists are compared whole."""

_PORT_KEYS = (("containerPort", "protocol"), ("port", "protocol", "targetPort"))
_POINTERS = frozenset({"automountServiceAccountToken", "enableServiceLinks", "allowPrivilegeEscalation", "replicas"})
"""Fields for which absent and false (or zero) mean different things."""


def contains(live: object, wished: object, field: str = "") -> bool:
    """Whether `live` says all that `wished` says, both plain JSON data; `field` is the name under which they stand."""
    if live == wished:
        return True
    if isinstance(wished, dict):
        return isinstance(live, dict) and all(_holds(live, key, value) for key, value in wished.items())
    if isinstance(wished, list):
        return isinstance(live, list) and _list_holds(live, wished, field)
    if isinstance(wished, bool) or isinstance(live, bool):
        return False
    return same_quantity(live, wished)


def _holds(live: dict[str, Any], key: str, wished: object) -> bool:
    if live.get(key) is None:
        return not wished and key not in _POINTERS
    return contains(live[key], wished, key)


def _list_holds(live: list[Any], wished: list[Any], field: str) -> bool:
    keys = _merge_keys(field, wished)
    if keys is None:
        return len(live) == len(wished) and all(map(contains, live, wished))
    by_key = {_key(each, keys): each for each in live if isinstance(each, dict)}
    return all(contains(by_key.get(_key(each, keys)), each) for each in wished)


def _merge_keys(field: str, wished: list[Any]) -> tuple[str, ...] | None:
    if field != "ports":
        return _KEYS.get(field)
    # A NetworkPolicy's ports have no name and are one whole; a container's and a Service's merge by number.
    named = (each for each in wished if isinstance(each, dict) and "name" in each)
    first: Mapping[str, Any] = next(named, {})
    return next((keys for keys in _PORT_KEYS if all(key in first for key in keys)), None)


def _key(each: Mapping[str, Any], keys: tuple[str, ...]) -> tuple[object, ...]:
    return tuple(each.get(key) for key in keys)
