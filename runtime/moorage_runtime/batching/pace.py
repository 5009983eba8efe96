"""How long a run of so many rows takes: measured at the warm-up, corrected by every run since."""

from __future__ import annotations

from collections.abc import Sequence

# So little does one run move the estimate, however long it took: it follows what most runs take, not the few that
# were interrupted.
_STEP = 1 / 32
_SAVING = 8
_UNKNOWN_SECONDS = 0.1
_APART = 8
_LITTLE = 3
_ANY = 1 << 30


class Pace:
    """A line through two points: the smallest run, corrected by runs of its size, and a larger one, by all larger runs.

    `samples`: (rows, seconds) of the warm-up, ordered by rows, at least one; from one alone the cost is taken to grow
    in proportion. `rows`: of the largest run that stays within `budget` seconds; 0 when not even one row does.
    `alone`: from so many rows on a request gains nothing by company: what every run costs is little beside its rows.
    """

    def __init__(self, samples: Sequence[tuple[int, float]], budget: float) -> None:
        (self._few, self._few_seconds), (self._many, self._many_seconds) = samples[0], samples[-1]
        self._known = self._many > self._few
        if not self._known:
            self._many, self._many_seconds = self._few * _APART, self._few_seconds * _APART
        self._budget = budget
        self._draw()

    def seconds(self, rows: int) -> float:
        """Of one run."""
        return self._fixed + self._row * rows

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
        expected = self._fixed + self._row * rows
        if expected <= 0.0:
            return
        step = 1.0 + max(-_STEP, min(_STEP, seconds / expected - 1.0))
        if rows <= self._few:
            self._few_seconds *= step
        else:
            self._many_seconds *= step
        self._draw()

    def _draw(self) -> None:
        grown = (self._many_seconds - self._few_seconds) / (self._many - self._few)
        self._row = max(0.0, min(grown, self._few_seconds / self._few))
        self._fixed = self._few_seconds - self._few * self._row
        self.alone = _ANY
        if self._known and self._row:
            self.alone = max(2, min(_ANY, int(_LITTLE * self._fixed / self._row)))
        left = self._budget - self._fixed
        self.rows = 0
        if left > 0.0:
            self.rows = min(_ANY, int(left / self._row)) if self._row else _ANY
