"""How long a run of so many rows takes: measured at the warm-up, corrected by every run since."""

from __future__ import annotations

from collections.abc import Sequence

# How fast the correction follows: a run that was interrupted once must not move it much.
_WEIGHT = 1 / 16
_LARGEST_STEP = 4.0
_SAVING = 8
_UNKNOWN_SECONDS = 0.1


class Pace:
    """`samples`: (rows, seconds) of the warm-up, ordered by rows, at least one.

    Between and beyond the samples the cost is taken to grow evenly with the rows; from one sample alone, in proportion.
    `rows`: of the largest run that stays within `budget` seconds; 0 when not even one row does.
    """

    def __init__(self, samples: Sequence[tuple[int, float]], budget: float) -> None:
        (first, least), (last, most) = samples[0], samples[-1]
        self._row = max(0.0, (most - least) / (last - first)) if last > first else least / first
        self._fixed = max(0.0, least - first * self._row)
        self._known = last > first
        self._budget = budget
        self._correction = 1.0
        self.rows = self._within()

    def seconds(self, rows: int) -> float:
        """Of one run."""
        return (self._fixed + self._row * rows) * self._correction

    def worth(self, most: int) -> int:
        """Up to how many rows it pays to run together, at most `most`, at least 1.

        Beyond eight times what a run costs by itself, more rows save nothing and only make everyone wait for everyone.
        """
        if not self._row:
            return most
        rows = _SAVING * self._fixed / self._row if self._known else _UNKNOWN_SECONDS / self._row
        return max(1, min(most, round(rows)))

    def learn(self, rows: int, seconds: float) -> None:
        """A run took so long."""
        expected = self.seconds(rows)
        if expected <= 0.0:
            return
        ratio = min(_LARGEST_STEP, seconds / expected)
        self._correction *= 1.0 + _WEIGHT * (ratio - 1.0)
        self.rows = self._within()

    def _within(self) -> int:
        left = self._budget / self._correction - self._fixed
        if left < self._row:
            return 0
        return int(left / self._row) if self._row else 1 << 30
