"""`python -m tests.unit.operator.analysis.grid --runs 200 --times 3`: candidates that fail so many times as often as
the stable version, for every rate of errors and of requests: how many are let on to half of the traffic?

The figures of docs/judgement.md. With `--times 1`, those of a candidate that is the same.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from statistics import median

import numpy as np
from tests.unit.operator.analysis.traffic import End, Model, World, rollout

from moorage_operator.api.judgement import Rules

ERRORS = (0.001, 0.003, 0.005, 0.01, 0.02)
RATES = (20.0, 50.0, 200.0)
BEFORE_HALF = 2
"""The steps of less than half of the traffic: 5 % and 25 %."""


@dataclass(frozen=True)
class Cell:
    """Rollouts in one kind of traffic: the stable version's share of failures, and requests a second."""

    errors: float
    rate: float
    ends: tuple[End, ...]

    @property
    def caught(self) -> int:
        """Rolled back before half of the traffic."""
        return sum(end.word == "aborted" and end.step <= BEFORE_HALF for end in self.ends)

    @property
    def held(self) -> int:
        """Not let on to half of the traffic: a person decides."""
        return sum(end.word == "held" and end.step <= BEFORE_HALF for end in self.ends)

    @property
    def let_on(self) -> int:
        """The rest."""
        return len(self.ends) - self.caught - self.held

    def words(self, word: str) -> int:
        """How many ended so."""
        return sum(end.word == word for end in self.ends)

    @property
    def wait(self) -> float:
        """Seconds that the last step before half took, in the middle of those that came so far."""
        return median([end.lasted[1] for end in self.ends if len(end.lasted) > 1] or [0.0])


def cells(times: float, runs: int) -> Iterator[Cell]:
    """Every kind of traffic, with the default settings."""
    for number, (errors, rate) in enumerate(product(ERRORS, RATES)):
        stable, candidate = Model(errors=errors), Model(errors=times * errors)
        worlds = (World(np.random.default_rng([13, number, run]), rate, stable, candidate) for run in range(runs))
        yield Cell(errors, rate, tuple(rollout(world, Rules()) for world in worlds))


def main() -> None:
    """One line for each kind of traffic."""
    parser = argparse.ArgumentParser(prog="python -m tests.unit.operator.analysis.grid", description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--times", type=float, default=3.0)
    asked = parser.parse_args()
    for cell in cells(asked.times, asked.runs):
        sys.stdout.write(
            f"{100 * cell.errors:g} % at {cell.rate:g}/s: of {len(cell.ends)} before half {cell.caught} caught, "
            f"{cell.held} held, {cell.let_on} let on; in the end {cell.words('aborted')} rolled back, "
            f"{cell.words('held')} held, {cell.words('promoted')} promoted; the step before half: {cell.wait:.0f} s\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
