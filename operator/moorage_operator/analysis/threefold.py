"""Does the candidate fail three times as often as the stable version? Before it gets half of the traffic that must be
refuted, not merely unproven.

The likelihood ratio of "three times as often" against "equally often", over all steps so far: were it three times as
often, the ratio would ever fall to 1/50 with a chance of at most 1/50 (Ville's inequality, the other way round). What
is so rare that three times as much is still a trifle needs no proof.
"""

from __future__ import annotations

from math import ceil, log

from moorage_operator.analysis.evidence import RATIOS, Ratios, log_ratios, together
from moorage_operator.analysis.sides import Sides
from moorage_operator.api.judgement import Earlier, Rules

TRIFLE = 0.1
"""Of `max_error_rate`: what is certain but this rare is no reason to roll back."""
_FOLD = 3.0
_REFUTED = -log(50.0)
_FEWEST = 2
"""Failures of both without which nobody can speak of a rate."""


def ratios(sides: Sides) -> Ratios:
    """What the failures of this window tell: that each falls on the candidate by its share, or more often."""
    return log_ratios(sides.failed, sides.failed + sides.stable_failed, sides.share)


def after(earlier: Earlier, step: Sides) -> Earlier:
    """What the steps up to this one tell together."""
    return Earlier(
        ratios=tuple(round(each, 6) for each in together(earlier.ratios, ratios(step))),
        failed=earlier.failed + step.failed + step.stable_failed,
        asked=earlier.asked + step.asked + step.stable_asked,
        stable_failed=earlier.stable_failed + step.stable_failed,
    )


def doubt(rules: Rules, step: Sides) -> str | None:
    """Why the candidate may not have half of the traffic yet; None when it may."""
    told = after(step.earlier, step)
    # Were both alike, both together would tell best how often they fail.
    usual = told.failed / max(told.asked, 1)
    if not told.stable_failed or told.failed < _FEWEST or _FOLD * usual <= TRIFLE * rules.max_error_rate:
        return None
    beyond = told.ratios[RATIOS.index(_FOLD)] - _REFUTED
    if beyond <= 0.0:
        return None
    return f"cannot exclude yet that it fails three times as often as stable{_needed(step, usual, beyond)}"


def _needed(step: Sides, usual: float, beyond: float) -> str:
    """How many requests more, if it fails as often as stable does."""
    share = step.share
    by_failure = log(1.0 + (_FOLD - 1.0) * share) - share * log(_FOLD)
    if by_failure <= 0.0:
        return ""
    requests = ceil(beyond / by_failure * share / usual)
    return f": about {_rounded(requests)} more requests to it are needed"


def _rounded(number: int) -> int:
    """Two figures: nobody knows more."""
    unit = int(10 ** max(len(str(number)) - 2, 0))
    return ceil(number / unit) * unit
