"""The figures that the suite measures, each beside the bar it has to reach."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

STUCK = 5.0


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. `bar`: the largest value that counts as reached, in the same unit."""

    name: str
    value: float
    unit: str
    bar: float

    def __str__(self) -> str:
        mark = "ok " if self.value <= self.bar else "OVER"
        return f"{mark} {self.name}: {self.value:.6g} {self.unit} (bar {self.bar:.6g})".replace("  (", " (")


class Figures:
    """Collects figures; asserting happens where they are measured."""

    def __init__(self) -> None:
        self.figures: list[Figure] = []

    def at_most(self, name: str, value: float, bar: float, unit: str = "s") -> None:
        """Note a figure; fails when it is over `bar`, a time only when it is `STUCK` times over.

        Machines are shared: a late time is told as OVER in the table, and only one that waited for something that did
        not come is a failure.
        """
        figure = Figure(name, round(value, 3), unit, bar)
        self.figures.append(figure)
        assert value <= bar * (STUCK if unit in ("s", "ms") else 1), f"missed the bar: {figure}"

    def table(self) -> list[str]:
        """One line per figure, in the order measured."""
        return [str(figure) for figure in self.figures]

    def save(self, path: Path) -> None:
        """Write all figures as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps([asdict(figure) for figure in self.figures], indent=1) + "\n")
