"""Does the candidate take longer than it may?

Both sides are timed inside their own pods, so that the way to the candidate does not count. What may take long is set
by the stable version in the same window: the ratio times its quantile, by the upper bound of that quantile's rank
(order statistics; W. J. Conover, Practical Nonparametric Statistics, 3rd ed., section 3.2). The null hypothesis says
that of the candidate's requests at most 1 - quantile take longer than that. Differences of a hair do not count.

The requests of one moment share its luck: a node that is busy for some seconds slows down hundreds of them, which is no
evidence of hundreds. So what is slow must last as well: a cumulative sum (E. S. Page, Continuous inspection schemes,
Biometrika 41, 1954) over looks, of the logarithm of how far the newest quantiles are beyond the limit.

Times of another window are no measure: a busy node slows down both, but only what runs on it then.
"""

from __future__ import annotations

from math import inf, isinf, log, sqrt

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
LASTING = 2.0
"""Beyond the limit in sum: 2 looks at ten times as slow, 3 at three times, 7 at twice (the limit being 1.5)."""
_MOST_OF_ONE = 1.9
_TELLING = 10
"""Requests of each side without which a moment tells nothing."""
_Z = 2.0


def check(rules: Rules, step: Sides, late: Sides, looks: int, pace: float) -> Check:
    """The latency of the whole step, and of its latest stretch. `looks`: those of this step that told something; where
    none did, for want of traffic, each request has a moment of its own.
    """
    if pace >= LASTING or not looks:
        for sides, needed in ((step, SURE), (late, VERY_SURE)):
            if _evidence(rules, sides) >= needed:
                return _told(rules, sides, Verdict.FAIL)
    samples = sum(step.candidate.seconds)
    if step.alone:
        return Check(NAME, Verdict.PASS, samples=samples, message="no traffic of the stable version to time it against")
    enough = step.comparable and samples >= rules.min_samples and _evidence(rules, step) < SUSPICIOUS
    return _told(rules, step, Verdict.PASS if enough else Verdict.INCONCLUSIVE)


def next_pace(rules: Rules, pace: float, newest: Sides) -> float:
    """How far beyond the limit the moments since the last good one were, summed on a logarithmic scale."""
    candidate = histogram.quantile(newest.candidate.seconds, rules.latency_quantile)
    stable = histogram.quantile(newest.stable.seconds, rules.latency_quantile)
    if not tells(newest) or candidate is None or stable is None or isinf(stable):
        return pace
    beyond = log(min(candidate, histogram.LAST) / _limit(rules, stable))
    return max(0.0, pace + min(beyond, _MOST_OF_ONE))


def tells(newest: Sides) -> bool:
    """Whether what came since the last look says how long either side takes now."""
    return min(sum(newest.candidate.seconds), sum(newest.stable.seconds)) >= _TELLING


def _limit(rules: Rules, stable: float) -> float:
    return max(stable * rules.max_latency_ratio, stable + HAIR)


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
    return inf if longest is None else _limit(rules, longest)


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
