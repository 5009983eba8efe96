"""Both sides of a comparison, in the same window."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from moorage_operator.analysis import tally
from moorage_operator.api.judgement import Tally

ENOUGH_STABLE = 100
"""Requests without which the stable version's own numbers say nothing."""
_ENOUGH_SHARE = 0.05
"""At nearly all of the traffic the candidate leaves the stable version only what failed already: no fair sample."""


@dataclass(frozen=True)
class Sides:
    """What both did. `reference`: what the stable version did in the step before, for a step that leaves it nothing."""

    stable: Tally
    candidate: Tally
    reference: Tally = field(default_factory=Tally)

    @cached_property
    def asked(self) -> int:
        """Requests that the candidate should have answered."""
        return tally.asked_of_candidate(self.candidate)

    @cached_property
    def failed(self) -> int:
        """Of them those that it did not answer well."""
        return tally.failed_by_candidate(self.candidate)

    @cached_property
    def stable_asked(self) -> int:
        """Requests that the stable version had of its own."""
        return tally.asked_of_stable(self.stable, self.candidate)

    @cached_property
    def stable_failed(self) -> int:
        """Of them those that it did not answer well."""
        return tally.failed_by_stable(self.stable)

    @cached_property
    def measure(self) -> Tally | None:
        """The stable side to measure against: of this window, else the reference; None where neither has enough."""
        if self.stable_asked >= max(ENOUGH_STABLE, _ENOUGH_SHARE * self.asked):
            return self.stable
        enough = tally.asked_of_stable(self.reference, Tally()) >= ENOUGH_STABLE
        return self.reference if enough else None
