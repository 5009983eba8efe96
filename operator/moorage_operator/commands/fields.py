"""Which fields two specs say differently."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ABSENT = "(absent)"
LONGEST = 60


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field: its path, and both values as short text; `ABSENT` where it is not set."""

    path: str
    old: str
    new: str

    def __str__(self) -> str:
        """For people."""
        return f"{self.path}: {self.old} -> {self.new}"


def field_changes(old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> Iterator[FieldChange]:
    """Every leaf below `path` that differs, sorted. A list is one leaf: its order and its length have a meaning."""
    for name in sorted(old.keys() | new.keys()):
        one, other = old.get(name), new.get(name)
        here = f"{path}.{name}" if name.replace("-", "").isalnum() else f"{path}[{name}]"
        if one == other:
            continue
        if _branches(one) and _branches(other) and (one or other):
            yield from field_changes(one or {}, other or {}, here)
        else:
            yield FieldChange(here, _short(one), _short(other))


def _branches(value: Any) -> bool:
    return value is None or isinstance(value, Mapping)


def _short(value: Any) -> str:
    if value is None:
        return ABSENT
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
