"""Requests and limits of the containers: the user's, filled in from the operator's settings where they are silent."""

from __future__ import annotations

from typing import Any

from moorage_operator.api.model_deployment import Resources
from moorage_operator.api.records import Defaults

Amounts = dict[str, int | str]


def resources(wished: Resources | None, defaults: Defaults) -> dict[str, Any]:
    """`{requests, limits}`. A default never contradicts the user: it is used only for what they left wholly open."""
    requests: Amounts = dict(wished.requests) if wished else {}
    limits: Amounts = dict(wished.limits) if wished else {}
    chosen = requests.keys() | limits.keys()
    filled = {
        "requests": {**_open(defaults, "requests", chosen), **requests},
        "limits": {**_open(defaults, "limits", chosen), **limits},
    }
    # Without a memory limit one leaking model takes the node's other tenants with it.
    if "memory" in requests:
        filled["limits"].setdefault("memory", requests["memory"])
    return {kind: amounts for kind, amounts in filled.items() if amounts}


def _open(defaults: Defaults, kind: str, chosen: set[str]) -> Amounts:
    return {name: amount for name, amount in (defaults.resources.get(kind) or {}).items() if name not in chosen}
