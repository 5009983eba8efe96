"""What was measured, read back: medians over rounds, and ratios of neighbours in time."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .cells import Cell
from .measure import Record


class Missing(LookupError):
    """Not measured in this run."""


class Results:
    """All records of a run. Every figure is a median over its rounds; raises Missing where there is none."""

    def __init__(self, records: Iterable[Record]) -> None:
        self.records: dict[str, list[Record]] = {}
        self.errors: dict[str, str] = {}
        for record in records:
            if "error" in record:
                self.errors[record["key"]] = record["error"]
            else:
                self.records.setdefault(record["key"], []).append(record)

    def keys(self, group: str) -> list[str]:
        """Who was measured in one group."""
        return [key for key in self.records if key.startswith(f"{group}: ")]

    def all(self, key: str, cell: Cell, field: str) -> list[float]:
        """One field of one cell, round by round."""
        return [record["cells"][cell.name][field] for record in self._with(key, cell)]

    def of(self, key: str, cell: Cell, field: str) -> float:
        """One field of one cell."""
        return statistics.median(self.all(key, cell, field))

    def against_reference(self, key: str, cell: Cell, field: str = "cpu") -> float:
        """`cpu` or `rate` of one cell over that of the constant answer just before and after it."""
        found = (record["cells"][cell.name] for record in self._with(key, cell))
        return statistics.median(float(sample[field] / sample["reference"][field]) for sample in found)

    def ratio(self, key: str, other: str, cell: Cell, field: str = "cpu") -> float:
        """How much more of `cpu` or `rate` one contestant has than another, both against their reference."""
        return self.against_reference(key, cell, field) / self.against_reference(other, cell, field)

    def process(self, key: str, *path: str) -> float:
        """A figure of the whole server, e.g. `ready` or `warm`, `resident`."""
        return statistics.median(_at(record, path) for record in self._of(key))

    def rounds(self, key: str) -> int:
        """How often it was measured."""
        return len(self.records.get(key, ()))

    def samples(self) -> list[dict[str, Any]]:
        """Every single cell of every round."""
        visits = (record for records in self.records.values() for record in records)
        return [sample for record in visits for sample in record.get("cells", {}).values()]

    def _with(self, key: str, cell: Cell) -> list[Record]:
        found = [record for record in self._of(key) if cell.name in record.get("cells", {})]
        if not found:
            raise Missing(f"{key} {cell.name}")
        return found

    def _of(self, key: str) -> list[Record]:
        if key not in self.records:
            raise Missing(key)
        return self.records[key]


def _at(record: Any, path: tuple[str, ...]) -> float:
    for name in path:
        record = record[name]
    return float(record)


def read(*paths: Path) -> Results:
    """The results of the files of one or more runs."""
    return Results(json.loads(line) for path in paths for line in path.read_text().splitlines())
