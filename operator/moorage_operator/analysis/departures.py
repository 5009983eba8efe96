"""Do clients leave the candidate before its answer more often than they leave the stable version?

A client that leaves is no failure of the model by itself: clients are stopped, and have a patience of their own. But
both sides have the same clients, so that under the null hypothesis each departure falls on the candidate by its share
of the requests. One client that is stopped leaves many requests at once: what is no more than that must be seen at
several looks. Without traffic of the stable version at the same time only a candidate that most clients leave is told.
"""

from __future__ import annotations

from moorage_operator.analysis import interval, tally
from moorage_operator.analysis.evidence import SURE, SUSPICIOUS, VERY_SURE, log_evidence
from moorage_operator.analysis.sides import ENOUGH_STABLE, Sides
from moorage_operator.analysis.wording import percent
from moorage_operator.api.conditions import Reason
from moorage_operator.api.judgement import Check, Rules, Verdict

NAME = "departures"
FEWEST = 3
LASTING = 3
"""Looks that must have seen it."""
_TIMES = 1.5
"""As often as the stable version's clients, and `max_error_rate` more: beyond that it matters."""
_MOST = 0.5


def check(rules: Rules, step: Sides, late: Sides, looks: int) -> Check:
    """The departures of the whole step, and of its latest stretch. `looks`: of this step that saw more than may be."""
    lasting = looks >= LASTING or _by_itself(step) >= SURE
    for sides, needed in ((step, SURE), (late, VERY_SURE)):
        if lasting and _leaning(rules, sides) and _evidence(sides) >= needed:
            return _told(sides, Verdict.FAIL)
    open_ = _leaning(rules, step) and _evidence(step) >= SUSPICIOUS
    return _told(step, Verdict.INCONCLUSIVE if open_ else Verdict.PASS)


def beyond(rules: Rules, sides: Sides) -> bool:
    """Whether more clients left the candidate than may be."""
    usual, of = _usual(sides)
    return sides.left > (rules.max_error_rate + _TIMES * usual / max(of, 1)) * sides.sent


def _leaning(rules: Rules, sides: Sides) -> bool:
    return sides.left >= FEWEST and beyond(rules, sides)


def _evidence(sides: Sides) -> float:
    share = sides.sent / max(sides.sent + sides.stable_sent, 1)
    return max(log_evidence(sides.left, sides.left + sides.stable_left, share), _by_itself(sides))


def _by_itself(sides: Sides) -> float:
    """That most clients leave it, though they did not leave the stable version."""
    usual, of = _usual(sides)
    enough = of >= ENOUGH_STABLE
    return log_evidence(sides.left, sides.sent, max(_MOST, interval.upper(usual, of))) if enough else 0.0


def _usual(sides: Sides) -> tuple[int, int]:
    """How many left the stable version, and of how many: in this window, else as the reference says."""
    if sides.stable_sent >= ENOUGH_STABLE:
        return sides.stable_left, sides.stable_sent
    return tally.outcome(sides.reference, "cancelled"), tally.sent(sides.reference)


def _told(sides: Sides, verdict: Verdict) -> Check:
    sentence = (
        f"{sides.left} of {sides.sent} requests to the candidate were given up by their clients "
        f"({percent(sides.left, sides.sent)}); {sides.stable_left} of {sides.stable_sent} of the stable version's own"
    )
    return Check(
        name=NAME,
        verdict=verdict,
        candidate=sides.left / sides.sent if sides.sent else None,
        stable=sides.stable_left / sides.stable_sent if sides.stable_sent else None,
        samples=sides.sent,
        message=sentence if sides.left else "",
        reason=Reason.CANDIDATE_TIMES_OUT if verdict is Verdict.FAIL else None,
    )
