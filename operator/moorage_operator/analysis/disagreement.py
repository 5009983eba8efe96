"""Does the candidate answer differently from the stable version more often than it may?

A sample of the candidate's requests is run by the stable version as well, off the path of the requests; the pods count
how many answers were compared and how many differed. The null hypothesis: a difference has a chance of at most
`max_disagreement`.
"""

from __future__ import annotations

from moorage_operator.analysis import interval
from moorage_operator.analysis.evidence import SURE, SUSPICIOUS, VERY_SURE, log_evidence
from moorage_operator.analysis.sides import Sides
from moorage_operator.analysis.wording import percent
from moorage_operator.api.conditions import Reason
from moorage_operator.api.judgement import Check, Rules, Tally, Verdict

NAME = "disagreement"
FEWEST = 3


def asked_for(rules: Rules) -> bool:
    """Whether anything is compared, and any difference would be too much."""
    return rules.compare_share > 0.0 and rules.max_disagreement < 1.0


def check(rules: Rules, step: Sides, late: Sides) -> Check:
    """The answers of the whole step, and of its latest stretch."""
    for sides, needed in ((step, SURE), (late, VERY_SURE)):
        counted = sides.candidate
        if counted.differed >= FEWEST and _evidence(rules, counted) >= needed:
            return _told(rules, counted, Verdict.FAIL)
    return _told(rules, step.candidate, Verdict.PASS if _enough(rules, step.candidate) else Verdict.INCONCLUSIVE)


def _evidence(rules: Rules, counted: Tally) -> float:
    return log_evidence(counted.differed, counted.compared, rules.max_disagreement)


def _enough(rules: Rules, counted: Tally) -> bool:
    """As many as a Pass needs, or so few differences that the true share surely is within the limit already."""
    if counted.compared >= rules.min_samples:
        return _evidence(rules, counted) < SUSPICIOUS
    return interval.upper(counted.differed, counted.compared) <= rules.max_disagreement


def _told(rules: Rules, counted: Tally, verdict: Verdict) -> Check:
    differed, compared = counted.differed, counted.compared
    dropped = f"; {counted.dropped} comparisons were left out for want of room" if counted.dropped else ""
    return Check(
        name=NAME,
        verdict=verdict,
        candidate=differed / compared if compared else None,
        limit=rules.max_disagreement,
        samples=compared,
        message=f"{differed} of {compared} compared answers differ ({percent(differed, compared)}, "
        f"at most {100 * rules.max_disagreement:g} %){dropped}",
        reason=Reason.CANDIDATE_DISAGREES if verdict is Verdict.FAIL else None,
    )
