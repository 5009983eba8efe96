"""Does the candidate take longer than it may?

Both sides are timed inside their own pods, so that the way to the candidate does not count. What may take long is set
by the stable version in the same window: the ratio times its quantile, by the upper bound of that quantile's rank
(order statistics; W. J. Conover, Practical Nonparametric Statistics, 3rd ed., section 3.2). The null hypothesis says
that of the candidate's requests at most 1 - quantile take longer than that. Differences of a hair do not count.

Times of another window are no measure: a busy node slows down both, but only what runs on it then.
"""

from __future__ import annotations

from math import inf, isinf, sqrt

from moorage_operator.analysis import histogram
from moorage_operator.analysis.evidence import SURE, SUSPICIOUS, VERY_SURE, log_evidence
from moorage_operator.analysis.sides import Sides
from moorage_operator.analysis.wording import milliseconds
from moorage_operator.api.conditions import Reason
from moorage_operator.api.judgement import Check, Rules, Tally, Verdict

NAME = "latency"
FEWEST = 5
HAIR = 0.002
"""Seconds: a slow-down by less is noise of scheduling, however many times the model's own time it is."""
_TELLING = 20
"""Requests of each side without which a moment tells nothing."""
_Z = 2.0


def check(rules: Rules, step: Sides, late: Sides, newest: Sides) -> Check:
    """The latency of the whole step, and of its latest stretch; `newest`: what came since the last look."""
    if not _recovered(rules, newest):
        for sides, needed in ((step, SURE), (late, VERY_SURE)):
            if _evidence(rules, sides) >= needed:
                return _told(rules, sides, Verdict.FAIL)
    samples = sum(step.candidate.seconds)
    if step.alone:
        return Check(NAME, Verdict.PASS, samples=samples, message="no traffic of the stable version to time it against")
    enough = step.comparable and samples >= rules.min_samples and _evidence(rules, step) < SUSPICIOUS
    return _told(rules, step, Verdict.PASS if enough else Verdict.INCONCLUSIVE)


def _recovered(rules: Rules, newest: Sides) -> bool:
    """Requests of one moment share its luck: a node that was busy for some seconds slows down hundreds of them. So what
    was slow must still be slow, as far as the newest requests tell.
    """
    if min(sum(newest.candidate.seconds), sum(newest.stable.seconds)) < _TELLING:
        return False
    candidate = histogram.quantile(newest.candidate.seconds, rules.latency_quantile)
    stable = histogram.quantile(newest.stable.seconds, rules.latency_quantile)
    return candidate is not None and stable is not None and candidate <= rules.max_latency_ratio * stable


def _evidence(rules: Rules, sides: Sides) -> float:
    if not sides.comparable:
        return 0.0
    slow = histogram.above(sides.candidate.seconds, _patience(rules, sides.stable))
    tail = 1.0 - rules.latency_quantile
    return log_evidence(slow, sum(sides.candidate.seconds), tail) if slow >= FEWEST else 0.0


def _patience(rules: Rules, stable: Tally) -> float:
    """Seconds that surely are more than the ratio times the stable version's quantile."""
    share, count = rules.latency_quantile, sum(stable.seconds)
    bound = share + _Z * sqrt(share * (1.0 - share) / max(count, 1))
    longest = histogram.quantile(stable.seconds, bound) if bound < 1.0 else inf
    return inf if longest is None else max(longest * rules.max_latency_ratio, longest + HAIR)


def _told(rules: Rules, sides: Sides, verdict: Verdict) -> Check:
    candidate = histogram.quantile(sides.candidate.seconds, rules.latency_quantile)
    stable = histogram.quantile(sides.stable.seconds, rules.latency_quantile)
    return Check(
        name=NAME,
        verdict=verdict,
        candidate=_finite(candidate),
        stable=_finite(stable),
        limit=rules.max_latency_ratio,
        samples=sum(sides.candidate.seconds),
        message=_sentence(rules, candidate, stable),
        reason=Reason.CANDIDATE_SLOW if verdict is Verdict.FAIL else None,
    )


def _finite(seconds: float | None) -> float | None:
    """JSON knows no infinity: the last bound is what can be said."""
    return histogram.LAST if seconds is not None and isinf(seconds) else seconds


def _sentence(rules: Rules, candidate: float | None, stable: float | None) -> str:
    name = f"p{100 * rules.latency_quantile:g}"
    if candidate is None or stable is None:
        return f"{name} is not known of {'either' if candidate is stable else 'the candidate' if stable else 'stable'}"
    ratio = f"{candidate / stable:.1f} times" if candidate < inf else "no end in sight"
    return (
        f"{name} is {milliseconds(candidate)} against {milliseconds(stable)} of the stable version "
        f"({ratio}, at most {rules.max_latency_ratio:g})"
    )
