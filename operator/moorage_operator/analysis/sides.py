"""Both sides of a comparison, in the same window."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from moorage_operator.analysis import tally
from moorage_operator.api.judgement import Earlier, Tally

ENOUGH_STABLE = 100
"""Requests without which the stable version's own numbers say nothing."""
_ENOUGH_SHARE = 0.05
"""At nearly all of the traffic the candidate leaves the stable version only what failed already: no fair sample."""


@dataclass(frozen=True)
class Sides:
    """What both did. `reference`: what the stable version did before, for a step that leaves it nothing to do.
    `earlier`: what the steps before told.
    """

    stable: Tally
    candidate: Tally
    reference: Tally = field(default_factory=Tally)
    earlier: Earlier = field(default_factory=Earlier)

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
    def share(self) -> float:
        """Of all requests, those to the candidate."""
        return self.asked / max(self.asked + self.stable_asked, 1)

    @cached_property
    def sent(self) -> int:
        """Requests to the candidate, however they ended."""
        return tally.sent(self.candidate)

    @cached_property
    def left(self) -> int:
        """Of them those whose client was gone before the answer."""
        return tally.outcome(self.candidate, "cancelled")

    @cached_property
    def stable_sent(self) -> int:
        """Requests of the stable version's own, however they ended."""
        return max(tally.sent(self.stable) - self.candidate.shielded, self.stable_left)

    @cached_property
    def stable_left(self) -> int:
        """Of them those whose client was gone before the answer."""
        return tally.outcome(self.stable, "cancelled")

    @cached_property
    def comparable(self) -> bool:
        """Whether the stable version had enough of its own requests in this window to be measured by them."""
        return self.stable_asked >= max(ENOUGH_STABLE, _ENOUGH_SHARE * self.asked)

    @cached_property
    def alone(self) -> bool:
        """Whether the candidate gets it all, so that waiting makes nothing comparable."""
        return self.asked >= ENOUGH_STABLE > self.stable_asked

    @cached_property
    def usual_failures(self) -> tuple[int, int]:
        """How many failed, and of how many, with the stable version: in this window, else as the reference says."""
        if self.comparable:
            return self.stable_failed, self.stable_asked
        return tally.failed_by_stable(self.reference), tally.asked_of_stable(self.reference, Tally())
