"""What this release of the operator would render differently, were a running revision born today."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from moorage_operator.api.blueprint import Blueprint
from moorage_operator.plan.contains import contains


def differing_parts(born: Blueprint, fresh: Blueprint) -> tuple[str, ...]:
    """Paths in the pod template, sorted; empty when both say the same. Containers stand by their names."""
    return tuple(sorted(set(_parts(born.template, fresh.template, "", exact=not born.rebuilt))))


def _parts(born: Any, fresh: Any, path: str, *, exact: bool) -> Iterator[str]:
    if contains(born, fresh) and (not exact or contains(fresh, born)):
        return
    pairs = (_named(born), _named(fresh))
    if pairs[0] is None or pairs[1] is None or path.count(".") >= 3:
        yield path
        return
    for key in sorted(pairs[0].keys() | pairs[1].keys()):
        inner = f"{path}.{key}" if path else key
        yield from _parts(pairs[0].get(key), pairs[1].get(key), inner, exact=exact)


def _named(value: Any) -> Mapping[str, Any] | None:
    """A mapping, or a list of named things as one."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, list) and value and all(isinstance(each, Mapping) and "name" in each for each in value):
        return {each["name"]: each for each in value}
    return None
